"""The window. It asks `core` for everything that touches the network or the disk."""
