"""Starting the window: options, the display, the hooks, and pictures of every tab."""
