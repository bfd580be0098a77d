"""From the words of an error to what mends it: system libraries, NumPy's two generations, engines for other machines.

The packages of libraries were looked up in Debian 12 and 13, which Raspberry Pi OS and Ubuntu follow.
"""

import json
import os
import re
import shlex
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ferlite.device import ROOT, versions

HOME = Path(__file__).resolve().parents[2]  # a clone, or site-packages
LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgobject-2.0.so.0": "libglib2.0-0",
    "libxcb.so.1": "libxcb1",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXrender.so.1": "libxrender1",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libgomp.so.1": "libgomp1",
    "libatomic.so.1": "libatomic1",
    "libstdc++.so.6": "libstdc++6",
    "libgfortran.so.5": "libgfortran5",
    "libopenblas.so.0": "libopenblas0",
    "libz.so.1": "zlib1g",
}
_LATER_T64 = {"libglib2.0-0"}  # called …t64 since Debian 13 and Ubuntu 24.04, whose time has 64 bits everywhere

_ABSENT = re.compile(r"(lib[\w.+-]+\.so[.\d]*)(?:: cannot open shared object file| => not found)")
_OF_THE_WHEEL = re.compile(r"-[0-9a-f]{8}\.")  # libraries that a wheel brings along have a hash in their names
_UNREADABLE = re.compile(r"(\S+\.so[.\d]*): (?:file too short|invalid ELF header|wrong ELF class)")
_STATIC_TLS = re.compile(r"(\S+\.so[.\d]*): cannot allocate memory in static TLS block")
_NEEDS = re.compile(r"`?((?:GLIBC|GLIBCXX)_[\d.]+)' not found")
_KILLED = re.compile(r"killed by (SIG\w+)")
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")
# what a module was built for, then what is here; in all of them the greater number is the newer NumPy
_BUILT_AND_HERE = [
    re.compile(r"compiled against A[BP]I version (0x\w+) but this version of numpy is (0x\w+)"),
    re.compile(r"compiled against NumPy C-API version (0x\w+).* but the running NumPy has C-API version (0x\w+)"),
    re.compile(r"numpy\.\w+ size changed.* Expected (\d+) from C header, got (\d+)"),
]
_BUILT_FOR_1 = re.compile(r"compiled using NumPy 1\.x|_ARRAY_API|numpy\.core\.multiarray failed to import")


@dataclass(frozen=True, slots=True)
class Package:
    """How pip installs what failed: `requirement`, and `for_numpy_2` where another line brings one for NumPy 2.

    `apt` are Debian's packages of it, where they are the ones in use.
    """

    requirement: str
    for_numpy_2: str | None = None
    apt: str = ""

    @property
    def install(self) -> str:
        if self.apt:
            return f"sudo apt install {self.apt}, and make the virtual environment with --system-site-packages"
        return f"pip install {self.requirement}"

    @property
    def reinstall(self) -> str:
        if self.apt:
            return f"sudo apt install --reinstall {self.apt}"
        return f"pip install --force-reinstall --no-deps {self.requirement}"


NUMPY = Package("'numpy>=1.24,<3'")
OPENCV = Package("'opencv-python>=4.12,<6'", "pip install --upgrade 'opencv-python>=4.12,<6'")
HEADLESS = Package("'opencv-python-headless>=4.12,<6'", "pip install --upgrade 'opencv-python-headless>=4.12,<6'")
DEBIANS_OPENCV = Package("opencv-python", apt="python3-opencv opencv-data")  # 32-bit systems have no wheel of it
TQDM = Package("'tqdm>=4.66.3,<5'")


def remedy(said: str, package: Package, root: Path = ROOT) -> str:
    """What to do about an error with these words, in importing or using a package."""
    said = " ".join(said.split())
    if absent := _ABSENT.findall(said):
        if any(_OF_THE_WHEEL.search(name) for name in absent):
            return package.reinstall
        return install_libraries(absent, root)
    if clash := _numpy_clash(said, package):
        return clash
    if unreadable := _UNREADABLE.search(said):
        return _replace_file(Path(unreadable[1]), package, root)
    if tls := _STATIC_TLS.search(said):
        return f"start it with this library first: export LD_PRELOAD={tls[1]}"
    if needs := _NEEDS.search(said):
        return f"it is built for a newer system, with {needs[1]}; take a newer system, or an older version of it by pip"
    if (module := _NO_MODULE.search(said)) and "_multiarray_umath" not in said:
        return anew(package) if module[1] == _name(package) else package.install
    killed = _KILLED.search(said)
    if killed and killed[1] == "SIGILL":
        return f"it is built for another processor; take an older version of it: pip index versions {_name(package)}"
    if killed and killed[1] == "SIGKILL":
        return "something ended it, most often for want of memory: `sudo dmesg | tail` says so"
    return package.reinstall


def anew(package: Package) -> str:
    """The line that brings a package that is not there: where pip believes that it is, it has to be told."""
    return package.reinstall if not package.apt and versions(_name(package)) else package.install


def ferlite_again(home: Path = HOME) -> str:
    """The line that brings back files of this copy of ferlite, from where it came; `home` is what it lies in."""
    if (home / ".git").exists():
        return f"git -C {shlex.quote(str(home))} checkout -- models"
    elsewhere = "get ferlite again, from where this copy of it came"
    try:
        installed = distribution("ferlite")
        if Path(str(installed.locate_file("ferlite"))).resolve() != home / "ferlite":
            return elsewhere
        origin = json.loads(installed.read_text("direct_url.json") or "{}")  # PEP 610; what an index gave has none
    except (PackageNotFoundError, OSError, ValueError):
        return elsewhere
    url = str(origin.get("url", "ferlite"))
    if "vcs_info" in origin:
        url = f"{origin['vcs_info']['vcs']}+{url}"
    elif url.startswith("file:"):
        url = unquote(urlsplit(url).path)
        url = url if Path(url).exists() else "PATH_TO_A_CLONE"
    return f"pip install --force-reinstall --no-deps {shlex.quote(url)}"


def install_libraries(names: list[str], root: Path = ROOT) -> str:
    """The line that installs the packages of these libraries, each in Debian's name for this system."""
    if not (root / "var/lib/dpkg").is_dir():
        return f"install what has {', '.join(sorted(set(names)))}; on Debian: {_apt(names, root)}"
    return _apt(names, root)


def in_this_environment(advice: str) -> str:
    """The advice with a pip that surely is the one of this Python."""
    if os.environ.get("VIRTUAL_ENV") == sys.prefix or not sys.executable:
        return advice
    return re.sub(r"\bpip (?=install|uninstall|index)", f"{shlex.quote(sys.executable)} -m pip ", advice)


def _apt(names: list[str], root: Path) -> str:
    packages = sorted({_debian(LIBRARIES[name], root) for name in names if name in LIBRARIES})
    unknown = sorted({name for name in names if name not in LIBRARIES})
    lines = [f"sudo apt install {' '.join(packages)}"] if packages else []
    lines += [f"find the package that has it: apt-file search {name}" for name in unknown]
    return "; ".join(lines)


def _numpy_clash(said: str, package: Package) -> str | None:
    for pattern in _BUILT_AND_HERE:
        if found := pattern.search(said):
            built, here = (int(number, 0) for number in found.groups())
            return _for_newer(package) if built < here else f"pip install --upgrade {NUMPY.requirement}"
    if _BUILT_FOR_1.search(said):
        return _for_newer(package)
    if "No module named 'numpy._core" in said and "_multiarray_umath" not in said:
        return f"pip install --upgrade {NUMPY.requirement}"  # it looks for what NumPy 2 has
    return None


def _for_newer(package: Package) -> str:
    return package.for_numpy_2 or "pip install 'numpy<2'"


def _replace_file(file: Path, package: Package, root: Path) -> str:
    if file.name in LIBRARIES:
        return f"sudo apt install --reinstall {_debian(LIBRARIES[file.name], root)}"
    return package.reinstall


def _debian(package: str, root: Path) -> str:
    try:
        installed = (root / "var/lib/dpkg/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return package
    return f"{package}t64" if package in _LATER_T64 and re.search(r"^Package: \S+t64$", installed, re.M) else package


def _name(package: Package) -> str:
    return re.split(r"[<>=!' ]", package.requirement.strip("'"))[0]
