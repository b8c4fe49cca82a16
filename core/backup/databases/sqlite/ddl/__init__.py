"""SQLite's schema statements: readers from text to schema values, and the way back."""
