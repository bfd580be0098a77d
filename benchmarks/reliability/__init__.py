"""How ferlite stands faults, floods and hostile input: what `docs/reliability.md` reports."""
