"""Cameras: the nodes of V4L2, and the camera modules that Picamera2 knows."""

import errno
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from ferlite import device
from ferlite.doctor import v4l2
from ferlite.doctor.finding import Finding, note, ok, problem
from ferlite.doctor.remedies import Package, remedy
from ferlite.doctor.software import BrokenError, probe

# What libcamera's pipeline handlers rpi/vc4 and rpi/pisp drive: receivers of camera modules, whose raw pictures OpenCV
# does not understand, and the image processors, which are there without a camera too.
RECEIVERS, PROCESSORS = ("unicam", "rp1-cfe"), ("bcm2835-isp", "pispbe")
PICAMERA = Package("picamera2")
APT = "sudo apt install python3-picamera2, and python3 -m venv --system-site-packages: pip has no libcamera"


def findings(root: Path) -> Iterator[Finding]:
    refused: list[Path] = []
    modules: dict[str, Path] = {}
    found = 0
    for path in _nodes(root):
        try:
            camera = v4l2.describe(path)
        except PermissionError:
            refused.append(path)
            continue
        except OSError as error:
            if error.errno not in (errno.ENODEV, errno.ENXIO):  # of a camera that has been unplugged
                found += 1
                yield _silent(path, error)
            continue
        if camera is None or camera.driver in PROCESSORS:
            continue
        found += 1
        if camera.driver not in RECEIVERS:
            yield _camera(path, camera)
        elif camera.driver not in modules:
            modules[camera.driver] = path
            text = f"{path}: a camera module ({camera.driver}); its pictures come by --source picamera"
            yield ok("camera", text, path=str(path))
    if refused:
        yield _refused(refused)
    elif not found:
        yield note("camera", "none connected (no /dev/video* gives pictures); files and streams work without")
    yield from _picamera(root, bool(modules))


def _nodes(root: Path) -> list[Path]:
    nodes = [path for path in (root / "dev").glob("video*") if re.fullmatch(r"video\d+", path.name)]
    return sorted(nodes, key=lambda path: int(path.name.removeprefix("video")))


def _camera(path: Path, camera: v4l2.Camera) -> Finding:
    formats = ", ".join(map(str, camera.formats)) or "no formats"
    text = f"{path}: {camera.card} ({camera.driver}): {formats}"
    return ok("camera", text, path=str(path), **camera.as_dict())


def _silent(path: Path, error: OSError) -> Finding:
    if error.errno == errno.EBUSY:
        return ok("camera", f"{path}: in use by another program", path=str(path))
    return note("camera", f"{path}: does not answer as a camera: {error.strerror}", path=str(path))


def _refused(paths: list[Path]) -> Finding:
    import grp  # not on Windows

    named = ", ".join(map(str, paths))
    try:
        owner = paths[0].stat().st_gid
        group = grp.getgrgid(owner).gr_name if owner else "video"  # nobody should join root's
    except (OSError, KeyError):
        group = "video"
    advice = f"sudo usermod -aG {group} $USER, then log out and in"
    return problem("camera", f"{named}: no permission", advice, path=str(paths[0]))


def _picamera(root: Path, module: bool) -> Iterator[Finding]:
    """Only where it makes sense: on a Raspberry Pi, or where Picamera2 is installed."""
    if find_spec("picamera2") is None:
        if "Raspberry Pi" in device.describe(root)["board"]:
            yield (problem if module else note)("picamera", "Picamera2 is not here", APT, works=False, cameras=None)
        return
    try:
        cameras = probe("picamera")["cameras"]
    except BrokenError as error:
        advice = remedy(error.words, PICAMERA)
        missing = "No module named" in str(error)
        text = f"Picamera2 cannot be imported: {error}"
        yield (problem if module else note)("picamera", text, APT if missing else advice, works=False, cameras=None)
    else:
        yield ok(
            "picamera", f"Picamera2 works; camera modules: {', '.join(cameras) or 'none'}", works=True, cameras=cameras
        )
