"""Queries with DuckDB on data that the caller provides: locked sessions, results, and files of them."""
