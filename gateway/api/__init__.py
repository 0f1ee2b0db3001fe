"""What schedulers and platforms meet.

Rule that holds here: nothing in it is reachable by guests.
"""
