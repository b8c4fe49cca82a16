"""The engine: a process of its own for bulk work, so that no window ever waits for it."""
