"""Presigned links: made with their real expiry, and remembered without their signatures."""
