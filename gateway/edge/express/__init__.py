"""The express lane: requests that need no awaiting, straight from a client's connection to an idle leg and back.

Rule that holds here: it does less than the full lane, never other. What it does not take at a glance, it hands to
aiohttp untouched; what it takes, it decides and relays with the full lane's own rules, tables and exchange.
"""
