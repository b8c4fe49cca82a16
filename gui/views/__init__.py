"""Views that draw one preview each; they do no I/O and know nothing of S3."""
