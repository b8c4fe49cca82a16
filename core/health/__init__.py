"""Safety of buckets, permissions, policies, and the age of secrets."""
