"""Hygiene: what the secrets of the account lack."""
