"""Cameras that answer as the kernel's headers say, and files that are none."""

import errno
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferlite.doctor import v4l2
from ferlite.doctor.v4l2 import Format, Size

HEADER = Path("/usr/include/linux/videodev2.h")
PROGRAM = """
#include <linux/videodev2.h>
#include <stdio.h>
#define BOTH(r, s) (unsigned long) r, sizeof(struct s)
int main(void) {
    printf("%lu %zu %lu %zu %lu %zu %lu %zu %u %u %u %d %d %d %d", BOTH(VIDIOC_QUERYCAP, v4l2_capability),
        BOTH(VIDIOC_ENUM_FMT, v4l2_fmtdesc), BOTH(VIDIOC_ENUM_FRAMESIZES, v4l2_frmsizeenum),
        BOTH(VIDIOC_ENUM_FRAMEINTERVALS, v4l2_frmivalenum), V4L2_CAP_VIDEO_CAPTURE, V4L2_CAP_VIDEO_CAPTURE_MPLANE,
        V4L2_CAP_DEVICE_CAPS, V4L2_BUF_TYPE_VIDEO_CAPTURE, V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
        V4L2_FRMSIZE_TYPE_DISCRETE, V4L2_FRMIVAL_TYPE_DISCRETE);
}
"""
MJPG, YUYV = int.from_bytes(b"MJPG", "little"), int.from_bytes(b"YUYV", "little")
CAPTURE, METADATA, NODE_SAYS = 0x1, 0x0080_0000, 0x8000_0000


class Driver:
    """Answers for {pixel format: {size: intervals}}; a size of six numbers and an interval of six are ranges."""

    def __init__(self, formats, device=CAPTURE | METADATA | NODE_SAYS, node=CAPTURE, kind=1, name=b"C920"):
        self.formats, self.device, self.node, self.kind, self.name = formats, device, node, kind, name

    def __call__(self, request, answer):
        number = request & 0xFF
        if number == 0:
            struct.pack_into("=16s32s32sIII", answer, 0, b"uvcvideo", self.name, b"usb-1", 6, self.device, self.node)
            return
        index = struct.unpack_from("=I", answer)[0]
        if number == 2:
            assert struct.unpack_from("=I", answer, 4)[0] == self.kind
            code = self._pick(list(self.formats), index)
            struct.pack_into("=I32sI", answer, 8, 0, b"Motion-JPEG", code)
        elif number == 74:
            size = self._pick(list(self.formats[struct.unpack_from("=I", answer, 4)[0]]), index)
            struct.pack_into(f"=I{len(size)}I", answer, 8, 1 if len(size) == 2 else 3, *size)
        else:
            code, width, height = struct.unpack_from("=3I", answer, 4)
            intervals = next(
                found for size, found in self.formats[code].items() if (width, height) in (size, size[1::3], size[::3])
            )
            interval = self._pick(intervals, index)
            struct.pack_into(f"=I{len(interval)}I", answer, 16, 1 if len(interval) == 2 else 3, *interval)

    @staticmethod
    def _pick(values, index):
        if index >= len(values):
            raise OSError(errno.EINVAL, "Invalid argument")
        return values[index]


def test_the_numbers_are_those_of_the_kernels_header(tmp_path):
    compiler = shutil.which("cc")
    if compiler is None or not HEADER.exists():
        pytest.skip("needs a C compiler and linux/videodev2.h")
    (tmp_path / "numbers.c").write_text(PROGRAM)
    subprocess.run([compiler, "-o", tmp_path / "numbers", tmp_path / "numbers.c"], check=True)
    said = subprocess.run([tmp_path / "numbers"], capture_output=True, text=True, check=True).stdout
    structures = (v4l2.CAPABILITY, v4l2.FORMAT, v4l2.SIZE, v4l2.INTERVAL)
    requests = (v4l2.QUERYCAP, v4l2.ENUM_FMT, v4l2.ENUM_FRAMESIZES, v4l2.ENUM_FRAMEINTERVALS)
    ours = [n for request, of in zip(requests, structures, strict=True) for n in (request, of.size)]
    ours += [v4l2.CAP_VIDEO_CAPTURE, v4l2.CAP_VIDEO_CAPTURE_MPLANE, v4l2.CAP_DEVICE_CAPS]
    ours += [v4l2.BUF_TYPE_VIDEO_CAPTURE, v4l2.BUF_TYPE_VIDEO_CAPTURE_MPLANE, v4l2.DISCRETE, v4l2.DISCRETE]
    assert list(map(int, said.split())) == ours


def test_a_webcam_with_its_formats_sizes_and_rates():
    camera = v4l2.examine(
        Driver({MJPG: {(640, 480): [(1, 30), (1, 15)], (1920, 1080): [(1, 30)]}, YUYV: {(640, 480): [(2, 15)]}})
    )
    assert (camera.card, camera.driver, camera.bus) == ("C920", "uvcvideo", "usb-1")
    assert camera.formats == (
        Format("MJPG", "Motion-JPEG", (Size(1920, 1080, (30.0,)), Size(640, 480, (30.0, 15.0)))),
        Format("YUYV", "Motion-JPEG", (Size(640, 480, (7.5,)),)),
    )
    assert str(camera.formats[0]) == "MJPG up to 1920×1080 at 30 fps"
    assert str(camera.formats[1]) == "YUYV up to 640×480 at 7.5 fps"


def test_of_a_range_the_two_ends_count():
    camera = v4l2.examine(Driver({MJPG: {(32, 1920, 2, 16, 1080, 2): [(1, 90, 1, 1, 1, 90)]}}))
    assert camera.formats[0].sizes == (Size(1920, 1080, (90.0, 1.0)), Size(32, 16, (90.0, 1.0)))


def test_a_node_for_metadata_is_no_camera_though_its_device_is_one():
    assert v4l2.examine(Driver({}, node=METADATA)) is None


def test_a_driver_that_does_not_tell_its_nodes_apart_is_taken_as_a_whole():
    assert v4l2.examine(Driver({}, device=CAPTURE, node=0)) is not None
    assert v4l2.examine(Driver({}, device=METADATA, node=CAPTURE)) is None


def test_a_node_of_several_planes_is_asked_for_its_own_formats():
    camera = v4l2.examine(Driver({YUYV: {}}, node=0x1000, kind=9))
    assert [str(one) for one in camera.formats] == ["YUYV"]


def test_a_list_that_never_ends_is_left():
    def endless(request, answer):
        if request == v4l2.QUERYCAP:
            return Driver({})(request, answer)
        if request != v4l2.ENUM_FMT:
            raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")
        return None

    assert len(v4l2.examine(endless).formats) == v4l2.MOST


def test_a_name_cannot_steer_the_terminal():
    assert v4l2.examine(Driver({}, name=b"\x1b[31mred\xff\n")).card == "?[31mred�"


@given(st.lists(st.binary(min_size=104, max_size=104), max_size=40))
def test_whatever_a_driver_answers_is_a_camera_or_none(answers):
    def ask(_, answer):
        if not answers:
            raise OSError(errno.EINVAL, "Invalid argument")
        answer[:] = answers.pop()[: len(answer)]

    try:
        camera = v4l2.examine(ask)
    except OSError:
        return
    if camera is not None:
        assert (camera.card + camera.driver + camera.bus + "".join(map(str, camera.formats)) + "x").isprintable()
        assert camera.as_dict()["formats"] is not None


@pytest.mark.parametrize("place", ["/dev/null", "file"])
def test_a_file_that_is_no_camera_refuses_the_real_question(place, tmp_path):
    path = tmp_path / place
    if place == "file":
        path.touch()
    with pytest.raises(OSError, match="nappropriate ioctl") as caught:
        v4l2.describe(path)
    assert caught.value.errno == errno.ENOTTY
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="nappropriate ioctl"):
        v4l2.describe(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        v4l2.describe(tmp_path / "video0")
