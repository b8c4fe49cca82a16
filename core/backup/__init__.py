"""Backups of database tables: taken at one snapshot, proven before a restore touches anything."""
