"""A Raspberry Pi's camera module: a line whenever somebody's look changes.

python picamera2_change.py [SOURCE]     (default: the camera module)

Needs `sudo apt install python3-picamera2` and a virtual environment that sees it: `python3 -m venv
--system-site-packages`. The module gives a small grey picture beside the large one; faces are read in that.
"""

import sys

import ferlite


def tell(change: ferlite.Change) -> None:
    print(f"{change.timestamp:8.2f}  person {change.track_id}: {change.before or 'new'} -> {change.after or 'gone'}")


source = ferlite.open_source(sys.argv[1]) if len(sys.argv) > 1 else ferlite.PiCamera(color=False, timeout=float("inf"))
changes = ferlite.OnChange(tell)
with ferlite.Pipeline(source, max_fps=15) as pipeline:
    for result in pipeline:
        changes.write(result)
