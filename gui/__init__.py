"""The window. Everything that uses the network or the disk is done by `core`."""
