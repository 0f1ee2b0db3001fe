"""What hosts meet: signing in, and the desk of their room and sessions.

Rule that holds here: a host pass opens the desk of one owner, a host seat that of one session, and nothing else does.
"""
