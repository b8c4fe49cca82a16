"""The page that collects a time range as a table, and the view of tables."""
