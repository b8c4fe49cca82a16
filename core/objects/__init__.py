"""One object or one listing: what S3 offers, safe to call and quick."""
