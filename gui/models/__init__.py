"""Qt item models that show plain data."""
