"""The live preview in a browser: `server.py` is the sink, the others what it serves; needs the extra `web`."""

HOST, PORT = "127.0.0.1", 8000  # by default: for this machine alone
