"""Questions and forms that stand before the window; opened, never executed in a nested loop."""
