"""Databases whose passwords can be rotated: log in, and set the user's password.

Each kind of database is a module with a `DatabaseLogin`; `login_for` creates it from the fields of
a secret. Drivers are imported when they are first needed.
"""
