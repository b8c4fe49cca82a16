"""Modal dialogs; they are opened asynchronously, never executed in a nested event loop."""
