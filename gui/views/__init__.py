"""Views that show one kind of preview each, without I/O and without S3."""
