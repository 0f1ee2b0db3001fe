"""How the gateway speaks with other systems: calendars, practice software, webhooks.

Rule that holds here: what others send is untrusted text; whatever becomes of it goes through Scheduling and the rules.
"""
