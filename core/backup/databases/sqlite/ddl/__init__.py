"""SQLite's schema statements: parsing to schema values, and generation from them."""
