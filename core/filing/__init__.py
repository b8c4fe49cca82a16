"""Filing by the data contract: from a local file to its kind, key, document and metadata."""
