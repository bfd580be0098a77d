import grp
import os
import tempfile
from pathlib import Path

import pytest

from ferlite.doctor import Status, cameras
from ferlite.doctor.v4l2 import Camera, Format, Size
from tests.doctor.conftest import as_nobody

WEBCAM = Camera("C920", "uvcvideo", "usb-1", (Format("MJPG", "", (Size(1920, 1080, (30.0,)),)), Format("YUYV", "", ())))
MODULE, PROCESSOR = Camera("unicam", "unicam", "", ()), Camera("bcm2835-isp", "bcm2835-isp", "", ())


@pytest.fixture
def nodes(tmp_path, monkeypatch):
    """Device files 0, 1, … that answer so: a camera, None, or an error."""

    def make(*answers):
        (tmp_path / "dev").mkdir()
        (tmp_path / "dev/video-dec").touch()
        places = [tmp_path / "dev" / f"video{number}" for number in range(len(answers))]
        for place in places:
            place.touch()

        def describe(path):
            answer = answers[places.index(path)]
            if isinstance(answer, OSError):
                raise answer
            return answer

        monkeypatch.setattr("ferlite.doctor.v4l2.describe", describe)
        return list(cameras.findings(tmp_path))

    return make


def test_without_cameras_there_is_a_note(tmp_path):
    (finding,) = cameras.findings(tmp_path)
    assert finding.status is Status.NOTE
    assert finding.text.startswith("none connected")


def test_a_webcam_has_a_line_with_its_formats(nodes, tmp_path):
    (finding,) = nodes(WEBCAM, None)
    assert finding.status is Status.OK
    assert finding.text == f"{tmp_path}/dev/video0: C920 (uvcvideo): MJPG up to 1920×1080 at 30 fps, YUYV"
    assert finding.as_dict()["data"]["formats"][0]["sizes"][0] == {"width": 1920, "height": 1080, "fps": (30.0,)}


def test_a_camera_module_has_one_line_and_image_processors_none(nodes, tmp_path):
    (finding,) = nodes(MODULE, MODULE, *[PROCESSOR] * 9, None)
    assert finding.text == f"{tmp_path}/dev/video0: a camera module (unicam); its pictures come by --source picamera"


def test_busy_is_fine_and_silence_a_note(nodes):
    busy, broken = nodes(OSError(16, "Device or resource busy"), OSError(5, "Input/output error"), OSError(19, "Gone"))
    assert (busy.status, broken.status) == (Status.OK, Status.NOTE)
    assert "in use by another program" in busy.text
    assert broken.text.endswith("Input/output error")


def test_a_file_that_is_no_camera_is_asked_for_real(tmp_path):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/video0").touch()
    (finding,) = cameras.findings(tmp_path)
    assert finding.status is Status.NOTE
    assert "does not answer as a camera: Inappropriate ioctl" in finding.text


def test_a_camera_of_another_group_says_how_to_join_it():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        device = Path(folder, "dev/video0")
        device.parent.mkdir()
        device.touch()
        device.chmod(0)
        with as_nobody():
            (finding,) = cameras.findings(Path(folder))
    assert finding.status is Status.PROBLEM
    assert finding.text == f"{device}: no permission"
    group = grp.getgrgid(os.getegid()).gr_name if os.geteuid() else "video"
    assert finding.advice == f"sudo usermod -aG {group} $USER, then log out and in"
