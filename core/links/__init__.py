"""Presigned links with their actual expiry, and the ledger of created links."""
