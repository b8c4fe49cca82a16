"""Reusable widgets; they depend on the theme but not on S3."""
