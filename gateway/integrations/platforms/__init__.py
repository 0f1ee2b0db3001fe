"""Video platforms: what they tell of who is inside, and what is asked of them.

Rule that holds here: a platform's word may say who is inside, never who may be; the rules decide that.
"""
