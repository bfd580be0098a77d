"""What a service tells systemd: that it is ready, how it is going, and that it is alive. What it says is up to others.

The protocol is that of sd_notify(3): lines in one datagram to the socket whose name is in NOTIFY_SOCKET. Where that is
not set nothing happens.
"""

import os
import socket
from contextlib import suppress


def notify(*lines: str) -> bool:
    """Send `READY=1`, `STATUS=…`, `WATCHDOG=1`, `STOPPING=1`; whether somebody was there to hear it. Never waits."""
    name = os.environ.get("NOTIFY_SOCKET", "")
    if not name.startswith(("/", "@")):
        return False
    address = "\0" + name[1:] if name.startswith("@") else name  # an abstract name
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.setblocking(False)
        channel.sendto("\n".join(lines).encode(errors="replace"), address)
        return True
    return False


def watchdog() -> float | None:
    """Seconds within which systemd wants to hear `WATCHDOG=1` from this process; None where it does not."""
    ours = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if ours and microseconds.isdecimal() and int(microseconds) > 0 else None
