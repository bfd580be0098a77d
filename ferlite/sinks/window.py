"""The frames with their faces drawn in, in a window; q, Esc or the window's own button closes it."""

import os
import subprocess
import sys

import cv2

from ferlite.drawing import draw
from ferlite.errors import OutputError
from ferlite.types import FrameResult, Sink


class Window(Sink):
    """A window; `closed` becomes true when the user closes it. Raises OutputError where there is no screen."""

    def __init__(self, title: str = "ferlite - q ends") -> None:
        self.title, self.closed = title, False
        # tried in another process: without a display the GUI library ends the whole process instead of raising
        trial = subprocess.run(
            [sys.executable, "-c", "import cv2; cv2.namedWindow('trial')"], capture_output=True, check=False
        )
        if trial.returncode != 0:
            display = os.environ.get("DISPLAY")
            where = f"at DISPLAY={display}" if display else "(DISPLAY is not set)"
            raise OutputError(f"there is no screen to show a window on {where}; write --output instead")
        cv2.namedWindow(title, cv2.WINDOW_AUTOSIZE)

    def write(self, result: FrameResult) -> None:
        cv2.imshow(self.title, draw(result.frame.image, result.faces))
        key = cv2.waitKey(1) & 0xFF
        shut = cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) < 1
        self.closed = self.closed or shut or key in (27, ord("q"))

    def close(self) -> None:
        if cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) >= 1:
            cv2.destroyWindow(self.title)
