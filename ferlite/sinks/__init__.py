"""Where results go, one module each; every sink is a context manager with `write` and `close`."""
