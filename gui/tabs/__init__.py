"""The views of the window, one package or module each; they do not import one another."""
