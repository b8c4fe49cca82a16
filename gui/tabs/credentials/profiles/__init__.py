"""Profiles: the list, what can be done with one, and its permissions."""
