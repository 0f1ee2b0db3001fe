"""The gateway as a plugin of proxies that are there already: they ask, and move the bytes themselves.

Rule that holds here: nothing is decided here. Each dialect reads what one proxy says, and words the gate's answer so
that this proxy can carry it; which dialect a proxy speaks is said by the address it asks, never guessed.
"""
