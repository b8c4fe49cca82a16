"""Coverage of the data: which hours of each stream have files, which lack them, and which stopped."""
