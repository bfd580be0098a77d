"""ferlite: the emotion on a face, on small computers.

    import ferlite

    recognizer = ferlite.Recognizer()
    for face in recognizer(ferlite.read_image("photo.jpg")):
        print(face.label, face.box)

Everything public is listed below and loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ferlite.capture import open_source as open_source
    from ferlite.capture.camera import Camera as Camera
    from ferlite.capture.camera import CameraSettings as CameraSettings
    from ferlite.capture.picamera import PiCamera as PiCamera
    from ferlite.capture.replay import Replay as Replay
    from ferlite.capture.sequence import ImageSequence as ImageSequence
    from ferlite.capture.video import VideoFile as VideoFile
    from ferlite.classifier import EmotionClassifier as EmotionClassifier
    from ferlite.detectors.ferlite import FerliteDetector as FerliteDetector
    from ferlite.detectors.haar import HaarDetector as HaarDetector
    from ferlite.detectors.yunet import YuNetDetector as YuNetDetector
    from ferlite.drawing import draw as draw
    from ferlite.errors import DownloadError as DownloadError
    from ferlite.errors import EngineError as EngineError
    from ferlite.errors import FerliteError as FerliteError
    from ferlite.errors import ImageError as ImageError
    from ferlite.errors import ModelError as ModelError
    from ferlite.errors import OutputError as OutputError
    from ferlite.errors import SettingError as SettingError
    from ferlite.errors import SourceError as SourceError
    from ferlite.following import Follower as Follower
    from ferlite.images import decode_image as decode_image
    from ferlite.images import read_image as read_image
    from ferlite.pipeline import Pipeline as Pipeline
    from ferlite.recognizer import Recognizer as Recognizer
    from ferlite.sinks.callback import Callback as Callback
    from ferlite.sinks.callback import Change as Change
    from ferlite.sinks.callback import OnChange as OnChange
    from ferlite.sinks.csv import CsvFile as CsvFile
    from ferlite.sinks.jsonl import JsonLines as JsonLines
    from ferlite.sinks.mqtt import Mqtt as Mqtt
    from ferlite.sinks.video import AnnotatedVideo as AnnotatedVideo
    from ferlite.sinks.window import Window as Window
    from ferlite.smoothing import Smoother as Smoother
    from ferlite.tracking import Tracked as Tracked
    from ferlite.tracking import Tracker as Tracker
    from ferlite.types import Box as Box
    from ferlite.types import Detection as Detection
    from ferlite.types import Emotion as Emotion
    from ferlite.types import Face as Face
    from ferlite.types import Frame as Frame
    from ferlite.types import FrameResult as FrameResult
    from ferlite.types import Landmarks as Landmarks
    from ferlite.types import Point as Point
    from ferlite.web.server import WebPreview as WebPreview

_HOMES = {
    "capture": ("open_source",),
    "capture.camera": ("Camera", "CameraSettings"),
    "capture.picamera": ("PiCamera",),
    "capture.replay": ("Replay",),
    "capture.sequence": ("ImageSequence",),
    "capture.video": ("VideoFile",),
    "classifier": ("EmotionClassifier",),
    "detectors.ferlite": ("FerliteDetector",),
    "detectors.haar": ("HaarDetector",),
    "detectors.yunet": ("YuNetDetector",),
    "drawing": ("draw",),
    "errors": (
        "DownloadError",
        "EngineError",
        "FerliteError",
        "ImageError",
        "ModelError",
        "OutputError",
        "SettingError",
        "SourceError",
    ),
    "following": ("Follower",),
    "images": ("decode_image", "read_image"),
    "pipeline": ("Pipeline",),
    "recognizer": ("Recognizer",),
    "sinks.callback": ("Callback", "Change", "OnChange"),
    "sinks.csv": ("CsvFile",),
    "sinks.jsonl": ("JsonLines",),
    "sinks.mqtt": ("Mqtt",),
    "sinks.video": ("AnnotatedVideo",),
    "sinks.window": ("Window",),
    "smoothing": ("Smoother",),
    "tracking": ("Tracked", "Tracker"),
    "types": ("Box", "Detection", "Emotion", "Face", "Frame", "FrameResult", "Landmarks", "Point"),
    "web.server": ("WebPreview",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'ferlite' has no attribute {name!r}")
    try:
        home = import_module(f"ferlite.{_HOME_OF[name]}")
    except ImportError as error:
        from ferlite.errors import EngineError, without_opencv

        if (advice := without_opencv(error)) is None:
            raise
        raise EngineError(advice) from error
    return getattr(home, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
