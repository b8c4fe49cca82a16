"""Databases whose passwords can be rotated: log in, and set one's own password.

Each kind of database is one file with a `DatabaseLogin`; `login_for` makes the right one from a
secret's fields. Drivers are imported when they are first needed.
"""
