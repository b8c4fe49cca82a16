"""The engine: a separate process for bulk work, so that the window stays responsive."""
