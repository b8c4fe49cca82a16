"""Secrets: the list, the form, versions and how they are compared."""
