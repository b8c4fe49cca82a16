"""Local state: profiles, keyring, settings, journals and the log of changes."""
