"""The released models and their cards, packaged as `ferlite.models`."""
