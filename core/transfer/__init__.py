"""Uploads and downloads of many files: planned first, then run by the engine process."""
