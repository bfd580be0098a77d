"""Picamera2 runs on Raspberry Pis only: a package of that name stands in, with the shapes, formats and errors that its
manual states. It cannot show that a real camera works, only that we keep to the manual."""

import itertools
import sys
import threading
import time
from types import ModuleType

import cv2
import numpy as np
import pytest

from ferlite import EngineError, Frame, PiCamera, Pipeline, Recognizer, SettingError, SourceError, demo, open_source
from ferlite.detectors.haar import HaarDetector
from tests.waiting import wait_until


@pytest.fixture
def picamera2(monkeypatch):
    """The stand-in; its attributes say what was asked of it, and how it is to fail."""
    module = ModuleType("picamera2")
    module.cameras, module.unplugged, module.busy, module.open_requests, module.touched = 1, False, False, 0, []
    module.portrait = demo.portrait()

    class Request:
        def __init__(self, config, number):
            self.config, self.number = config, number
            module.open_requests += 1

        def make_array(self, name):
            module.touched.append(name)
            width, height = self.config[name]["size"]
            picture = demo.moving_picture(module.portrait, self.number / 30)
            picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
            if self.config[name]["format"] == "RGB888":
                return picture
            planes = np.full((height * 3 // 2, width + 32), 128, np.uint8)  # rows are padded
            planes[:height, :width] = picture.mean(axis=2)
            return planes

        def release(self):
            module.open_requests -= 1

    class Picamera2:
        def __init__(self, number=0):
            self.running = False
            if module.busy:
                raise RuntimeError("Camera __init__ sequence did not complete.")

        @staticmethod
        def global_camera_info():
            return [{"Model": "imx708"}] * module.cameras

        def create_video_configuration(self, main, lores, controls):
            assert main["format"] == "RGB888"
            assert lores["format"] == "YUV420"
            assert lores["size"][0] <= main["size"][0]  # the hardware only makes it smaller
            return {"main": main, "lores": lores, "controls": controls}

        def configure(self, config):
            self.config = config

        def camera_configuration(self):
            return self.config

        def start(self):
            self.running, self.numbers = True, itertools.count()

        def capture_request(self, wait=True):
            assert self.running
            if module.unplugged:
                time.sleep(min(wait, 0.05))
                raise TimeoutError
            time.sleep(1 / 60)
            assert module.open_requests < 4  # it has no more buffers
            return Request(self.config, next(self.numbers))

        def stop(self):
            self.running = False

        def close(self):
            assert not self.running

    module.Picamera2 = Picamera2
    monkeypatch.setitem(sys.modules, "picamera2", module)
    return module


def test_pictures_in_colour_and_their_luma(picamera2):
    with PiCamera(size=(1280, 720)) as camera:
        frame = next(iter(camera))
        assert isinstance(frame, Frame)
        assert frame.image.shape == (720, 1280, 3)
        assert frame.luma.shape == (360, 640)
        assert frame.luma.flags.c_contiguous
        assert np.abs(frame.luma[::36, ::64] - frame.image[::72, ::128].mean(axis=2)).mean() < 10
        assert str(camera.settings) == "RGB888 1280×720 at 30 fps"
    assert picamera2.open_requests == 0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ferlite")]


def test_without_colour_the_large_picture_is_never_touched(picamera2):
    with open_source("picamera", color=False) as camera:
        frame = next(iter(camera))
        assert frame.image is frame.luma
    assert set(picamera2.touched) == {"lores"}


def test_faces_are_found_in_the_luma_and_told_in_pixels_of_the_picture(picamera2):
    recognizer = Recognizer(detector=HaarDetector(0.08))
    with Pipeline(PiCamera(size=(1280, 960)), recognizer) as pipeline:
        result = next(result for result in pipeline if result.faces)
    (face,) = result.faces
    (direct,) = recognizer(result.frame.image)
    assert all(abs(a - b) < 40 for a, b in zip(face.box, direct.box, strict=True))


def test_a_network_that_wants_colour_gets_the_large_picture(picamera2, make_network):
    recognizer = Recognizer(make_network(color="rgb"), HaarDetector(0.08))
    with Pipeline(PiCamera(), recognizer, smoothing=0) as pipeline:
        result = next(result for result in pipeline if result.faces)
    (grey,) = recognizer.classifier.predict_faces(result.frame.luma, recognizer.detect(result.frame.luma))
    assert np.abs(result.faces[0].raw - grey).max() > 0.001  # the portrait is not grey


def test_a_camera_that_fails_is_said_and_found_again(picamera2):
    with PiCamera(timeout=20) as camera:
        next(iter(camera))
        picamera2.unplugged = True
        wait_until(lambda: camera.attempts > 0)
        camera.timeout = 0.8
        with pytest.raises(SourceError, match=r"picamera 0: no picture for 0\.8 s: .*TimeoutError"):
            for _ in camera:
                pass
        picamera2.unplugged = False
        camera.timeout = 20
        next(iter(camera))
        assert camera.reconnects >= 1


def test_a_busy_camera_is_said_at_the_start_and_waited_for_later(picamera2):
    picamera2.busy = True
    with pytest.raises(SourceError, match=r"picamera 0: does not start: Camera __init__ sequence.*another program"):
        open_source("picamera")
    picamera2.busy = False
    with PiCamera(timeout=20) as camera:
        next(iter(camera))
        picamera2.unplugged = picamera2.busy = True
        wait_until(lambda: camera.attempts > 1)
        picamera2.unplugged = picamera2.busy = False
        while camera.reconnects == 0:
            next(iter(camera))


@pytest.mark.parametrize(
    "settings", [{"timeout": 0}, {"size": (0, 0)}, {"size": (640, -1)}, {"fps": 0}, {"fps": float("nan")}]
)
def test_senseless_settings_are_said_before_the_camera_starts(picamera2, settings):
    picamera2.busy = True
    (name,) = settings
    with pytest.raises(SettingError, match=f"{name} is"):
        PiCamera(**settings)


def test_no_camera_is_said(picamera2):
    with pytest.raises(SourceError, match="picamera 1: libcamera finds 1 cameras"):
        open_source("picamera:1")
    with pytest.raises(SourceError, match="picamera -1: libcamera finds 1 cameras"):
        PiCamera(-1)


def test_without_picamera2_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(EngineError, match="apt install python3-picamera2"):
        open_source("picamera")
