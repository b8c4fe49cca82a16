"""Lifecycle rules of a bucket: read, told in words, merged, saved without losing anybody's rule."""
