"""ferlite's own face detector: its network, how it is trained, measured and released."""
