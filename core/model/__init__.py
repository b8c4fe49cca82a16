"""Frozen values that all layers exchange, one module per area."""
