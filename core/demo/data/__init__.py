"""Sample data: the platform's bucket, secrets and users as they looked on 1 March 2024.

The same bytes every time: one seeded generator for each stream, dates fixed. Only the access keys
are created at each start, and the ages of keys and secrets count from today.
"""
