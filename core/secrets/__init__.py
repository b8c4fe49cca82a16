"""Secrets: values, versions, editing by field, generated values, and safe saving."""
