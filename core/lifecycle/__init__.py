"""Lifecycle rules of a bucket: reading, description, merging and conditional saving."""
