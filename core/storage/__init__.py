"""The three services of the data contract, used by scripts, the command line and the window."""
