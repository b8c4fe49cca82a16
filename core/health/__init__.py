"""Facts about a bucket and about our permissions on it, and what they mean."""
