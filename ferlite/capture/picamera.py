"""The Raspberry Pi's camera module, through Picamera2 (`sudo apt install python3-picamera2`).

The camera scales every picture twice by itself: a small one, whose luma is what faces are found and read in, and a
large one in colour, which is fetched only where somebody draws on it.
"""

import numpy as np

from ferlite.capture.camera import CameraSettings, check_wishes
from ferlite.capture.live import STALL, LiveSource, check_timeout
from ferlite.errors import EngineError, SourceError
from ferlite.types import Image

SIZE, FPS = (1280, 720), 30.0
LUMA_WIDTH = 640


class PiCamera(LiveSource):
    """A camera module by number; the newest frame wins.

    `Frame.luma` is grey of at most 640 pixels across; `Frame.image` is BGR of `size` (width, height; 1280×720 without),
    or with `color=False` the luma too, which spares the copy of a large picture where nobody looks at it. `settings`
    tells the size and rate that the camera gives. Raises EngineError without Picamera2, SourceError without a camera
    and where it gives no picture for `timeout` seconds; inf never gives up.
    """

    def __init__(
        self,
        number: int = 0,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        timeout: float = 10.0,
        color: bool = True,
    ) -> None:
        name = f"picamera {number}"
        size, fps = size or SIZE, FPS if fps is None else fps
        check_wishes(size, fps)
        check_timeout(timeout)

        def connect() -> _PiReader:
            return _PiReader(number, name, size, fps, color, min(STALL, timeout / 2))

        reader = connect()
        self.settings = reader.settings
        super().__init__(reader, name, fps, timeout, connect)


class _PiReader:
    def __init__(self, number: int, name: str, size: tuple[int, int], fps: float, color: bool, stall: float) -> None:
        try:
            from picamera2 import Picamera2
        except ImportError as error:
            raise EngineError(
                f"{name}: Picamera2 cannot be imported ({error}); sudo apt install python3-picamera2, and make the "
                "virtual environment with --system-site-packages, as pip has no libcamera"
            ) from error
        width = min(LUMA_WIDTH, size[0])
        luma = width, max(2, round(width * size[1] / size[0]) // 2 * 2)
        self._name, self._color, self._stall = name, color, stall
        camera = None
        try:
            found = len(Picamera2.global_camera_info())
            if not 0 <= number < found:
                raise SourceError(
                    f"{name}: libcamera finds {found} cameras; is the ribbon cable in? (rpicam-hello shows)"
                )
            camera = Picamera2(number)
            camera.configure(
                camera.create_video_configuration(
                    main={"size": size, "format": "RGB888"},  # which is BGR in memory
                    lores={"size": luma, "format": "YUV420"},
                    controls={"FrameRate": fps},
                )
            )
            camera.start()
            given = camera.camera_configuration()  # sizes it cannot give are changed
        except SourceError:
            raise
        except Exception as error:  # libcamera's own errors are RuntimeErrors, and more
            if camera is not None:
                camera.close()
            raise SourceError(f"{name}: does not start: {error}; is another program using it?") from error
        self._camera = camera
        self._luma: tuple[int, int] = given["lores"]["size"]
        width, height = given["main"]["size"]
        self.settings = CameraSettings(given["main"]["format"], width, height, fps)

    def read(self) -> tuple[Image, Image]:
        try:
            request = self._camera.capture_request(wait=self._stall)
        except Exception as error:
            raise SourceError(f"{self._name}: stopped giving pictures: {str(error) or type(error).__name__}") from error
        try:
            width, height = self._luma
            # the planes lie below each other in padded rows: the luma is the upper left part
            luma = np.ascontiguousarray(request.make_array("lores")[:height, :width])
            return (request.make_array("main") if self._color else luma), luma
        finally:
            request.release()  # the camera has few buffers

    def close(self) -> None:
        try:
            self._camera.stop()
        finally:
            self._camera.close()
