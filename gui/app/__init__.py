"""Startup of the window: options, display, error hooks, and screenshots of every tab."""
