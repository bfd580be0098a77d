"""The words are those that the loader, NumPy and ferlite's own trials really print."""

import json
import sys

import pytest

from ferlite.doctor import remedies
from ferlite.doctor.remedies import DEBIANS_OPENCV, HEADLESS, NUMPY, OPENCV, Package, remedy
from ferlite.doctor.software import ENGINE_PACKAGES

NO_FILE = "cannot open shared object file: No such file or directory"
OPENCV_AGAIN = "pip install --force-reinstall --no-deps 'opencv-python>=4.12,<6'"
LATER_OPENCV = "pip install --upgrade 'opencv-python>=4.12,<6'"
LATER_NUMPY = "pip install --upgrade 'numpy>=1.24,<3'"
CAMERA = Package("picamera2")


@pytest.fixture
def debian(tmp_path):
    """The list of installed packages of a Debian."""

    def write(*packages):
        (tmp_path / "var/lib/dpkg").mkdir(parents=True)
        (tmp_path / "var/lib/dpkg/status").write_text("".join(f"Package: {name}\nStatus: ok\n\n" for name in packages))
        return tmp_path

    return write


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A folder that pip has written of a package into, with where it came from, but none of its files."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name, origin=None):
        notes = tmp_path / f"{name}-1.0.dist-info"
        notes.mkdir()
        (notes / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        if origin is not None:
            (notes / "direct_url.json").write_text(json.dumps(origin))
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (f"ImportError: libGL.so.1: {NO_FILE}", "sudo apt install libgl1"),
        (f"ImportError: libgthread-2.0.so.0: {NO_FILE}", "sudo apt install libglib2.0-0"),
        (
            f"ImportError: libxcb.so.1: {NO_FILE} libxcb.so.1 => not found libGL.so.1 => not found "
            "libgthread-2.0.so.0 => not found libglib-2.0.so.0 => not found libm.so.6 => /lib/libm.so.6 (0x7f)",
            "sudo apt install libgl1 libglib2.0-0 libxcb1",
        ),
        (f"ImportError: libfoo.so.7: {NO_FILE}", "find the package that has it: apt-file search libfoo.so.7"),
    ],
)
def test_missing_libraries_are_named_by_their_packages(said, line, debian):
    assert remedy(said, OPENCV, debian("libc6", "zlib1g")) == line


def test_later_debians_call_glib_otherwise(debian):
    said = f"ImportError: libgthread-2.0.so.0: {NO_FILE}"
    assert remedy(said, OPENCV, debian("libc6", "libssl3t64")) == "sudo apt install libglib2.0-0t64"


def test_other_systems_have_packages_of_other_names(tmp_path):
    said = f"ImportError: libGL.so.1: {NO_FILE}"
    assert remedy(said, OPENCV, tmp_path) == "install what has libGL.so.1; on Debian: sudo apt install libgl1"


@pytest.mark.parametrize(
    ("said", "package", "line"),
    [
        ("A module that was compiled using NumPy 1.x cannot be run in NumPy 2.2.6", OPENCV, LATER_OPENCV),
        ("AttributeError: _ARRAY_API not found", HEADLESS, LATER_OPENCV.replace("python", "python-headless")),
        (
            "does not work here, with NumPy 2.2.6: ImportError: numpy.core.multiarray failed to import",
            ENGINE_PACKAGES["tflite-runtime"],
            "pip install 'numpy<2'",
        ),
        ("module compiled against ABI version 0x1000009 but this version of numpy is 0x2000000", OPENCV, LATER_OPENCV),
        ("module compiled against API version 0xb but this version of numpy is 0xa", OPENCV, LATER_NUMPY),
        (
            "module was compiled against NumPy C-API version 0x10 (NumPy 1.23) but the running NumPy has C-API version "
            "0xd. Check the section C-API incompatibility",
            OPENCV,
            LATER_NUMPY,
        ),
        (
            "ValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got "
            "88 from PyObject",
            OPENCV,
            LATER_NUMPY,
        ),
        (
            "ValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected 88 from C header, got "
            "96 from PyObject",
            CAMERA,
            "pip install 'numpy<2'",
        ),
        ("ModuleNotFoundError: No module named 'numpy._core'", OPENCV, LATER_NUMPY),
    ],
)
def test_numpy_clashes_say_which_side_is_the_older(said, package, line):
    assert remedy(said, package) == line


@pytest.mark.parametrize(
    ("said", "package", "line"),
    [
        ("ModuleNotFoundError: No module named 'nowhere'", Package("nowhere"), "pip install nowhere"),
        (
            "ModuleNotFoundError: No module named 'numpy._core._multiarray_umath'",
            NUMPY,
            "pip install --force-reinstall --no-deps 'numpy>=1.24,<3'",
        ),
        (f"ImportError: libopenblas64_p-r0-0cf96a72.3.23.dev.so: {NO_FILE}", OPENCV, OPENCV_AGAIN),
        ("ImportError: /usr/lib/x86_64-linux-gnu/libGL.so.1: file too short", OPENCV, "--reinstall libgl1"),
        ("ImportError: /venv/cv2/cv2.abi3.so: invalid ELF header", OPENCV, OPENCV_AGAIN),
        (
            "ImportError: /lib/libgomp.so.1: cannot allocate memory in static TLS block",
            OPENCV,
            "export LD_PRELOAD=/lib/libgomp.so.1",
        ),
        ("ImportError: /lib/libc.so.6: version `GLIBC_2.34' not found", OPENCV, "a newer system, with GLIBC_2.34;"),
        ("LiteRT 2.3.0 was killed by SIGILL in its trial", ENGINE_PACKAGES["litert"], "versions ai-edge-litert"),
        ("was killed by SIGKILL", OPENCV, "for want of memory"),
        ("was killed by SIGSEGV", OPENCV, OPENCV_AGAIN),
        ("AttributeError: module 'cv2' has no attribute 'getBuildInformation'", OPENCV, OPENCV_AGAIN),
        ("hangs: gave no answer in 60 s", OPENCV, OPENCV_AGAIN),
        ("ModuleNotFoundError: No module named 'cv2'", DEBIANS_OPENCV, "sudo apt install python3-opencv opencv-data, "),
        ("was killed by SIGSEGV", DEBIANS_OPENCV, "sudo apt install --reinstall python3-opencv opencv-data"),
        ("AttributeError: _ARRAY_API not found", DEBIANS_OPENCV, "pip install 'numpy<2'"),
    ],
)
def test_other_faults_have_their_remedies_too(said, package, line):
    assert line in remedy(said, package)


def test_pip_is_told_where_it_believes_that_a_package_is_there(installed):
    said = "ModuleNotFoundError: No module named 'halved'"
    assert remedy(said, Package("'halved<3'")) == "pip install 'halved<3'"
    installed("halved")
    assert remedy(said, Package("'halved<3'")) == "pip install --force-reinstall --no-deps 'halved<3'"
    other = "ModuleNotFoundError: No module named 'what_it_needs'"
    assert remedy(other, Package("'halved<3'")) == "pip install 'halved<3'"


@pytest.mark.parametrize(
    ("origin", "line"),
    [
        (None, "pip install --force-reinstall --no-deps ferlite"),
        ({"url": "file:///gone", "dir_info": {}}, "pip install --force-reinstall --no-deps PATH_TO_A_CLONE"),
        (
            {"url": "https://host/ferlite.git", "vcs_info": {"vcs": "git", "commit_id": "1"}},
            "pip install --force-reinstall --no-deps git+https://host/ferlite.git",
        ),
        ({"url": "https://host/ferlite.whl"}, "pip install --force-reinstall --no-deps https://host/ferlite.whl"),
    ],
)
def test_ferlite_comes_again_from_where_it_came(installed, origin, line):
    home = installed("ferlite", origin)
    assert remedies.ferlite_again(home) == line


def test_it_comes_from_a_folder_or_by_git_and_else_nobody_knows(installed, tmp_path):
    source = tmp_path / "a clone"
    source.mkdir()
    home = installed("ferlite", {"url": source.as_uri(), "dir_info": {}})
    assert remedies.ferlite_again(home) == f"pip install --force-reinstall --no-deps '{source}'"
    assert remedies.ferlite_again(source) == "get ferlite again, from where this copy of it came"
    (source / ".git").mkdir()
    assert remedies.ferlite_again(source) == f"git -C '{source}' checkout -- models"


def test_pip_is_the_one_of_this_python_unless_its_environment_is_active(monkeypatch):
    advice = "pip uninstall -y a; pip install 'b<2'"
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    assert remedies.in_this_environment(advice) == advice
    monkeypatch.setenv("VIRTUAL_ENV", "/elsewhere")
    monkeypatch.setattr(sys, "executable", "/my files/python")
    ours = "'/my files/python' -m pip"
    assert remedies.in_this_environment(advice) == f"{ours} uninstall -y a; {ours} install 'b<2'"
    assert remedies.in_this_environment("sudo apt install pipx") == "sudo apt install pipx"
