"""Rotation of a secret, and the diagnosis of one that was interrupted."""
