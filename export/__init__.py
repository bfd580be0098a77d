"""The workstation side: train, evaluate and convert networks for ferlite. Run it as `python -m export`."""
