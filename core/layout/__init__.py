"""The layout of keys in the bucket, according to the data contract."""
