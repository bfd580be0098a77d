"""`ferlite service`: prints the systemd unit that runs `ferlite run` on this machine, closed in as far as it goes.

It installs nothing: what root has to do stays two lines that the user sees, and docs/service.md has.
"""

import argparse
import os
import re
import stat
import sys
from importlib.util import find_spec
from pathlib import Path

import ferlite
from ferlite.cli import live
from ferlite.cli.options import Commands
from ferlite.errors import SettingError
from ferlite.sinks.broker import Address

HOMES = ("/home/", "/root/", "/run/user/")
ENVIRONMENT = "/etc/ferlite.env"

UNIT = """\
# Made by `ferlite service`, ferlite {version}; docs/service.md explains it.
[Unit]
Description=ferlite, emotions on faces
{network_target}# it is tried again for as long as it takes: the camera or the broker may be what is missing
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
WorkingDirectory=%S/ferlite
StateDirectory=ferlite
CacheDirectory=ferlite
Environment=FERLITE_CACHE=%C/ferlite PYTHONFAULTHANDLER=1
EnvironmentFile=-{environment}
StandardOutput={output}
StandardError=journal

Restart=on-failure
RestartSec=5
# SIGTERM is no failure, and a wrong command line does not mend itself
SuccessExitStatus=143
RestartPreventExitStatus=2
TimeoutStartSec=120
TimeoutStopSec=10
WatchdogSec=60
MemoryMax=512M
TasksMax=128
#CPUQuota=150%

DynamicUser=yes
UMask=0077
ProtectSystem=strict
ProtectHome={homes}
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateTmp=yes
{devices}
{network}
CapabilityBoundingSet=
NoNewPrivileges=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""
NETWORK_TARGET = "Wants=network-online.target\nAfter=network-online.target\n"
CAMERA = "SupplementaryGroups=video\nDevicePolicy=closed\nDeviceAllow=char-video4linux rw"
CAMERA_MODULE = "\nDeviceAllow=char-media rw\nDeviceAllow=char-dma_heap rw\nDeviceAllow=char-vchiq rw"
NO_DEVICES = "PrivateDevices=yes"
NO_NETWORK = "PrivateNetwork=yes\nRestrictAddressFamilies=AF_UNIX"
SOME_NETWORK = "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK"


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "service",
        help="print a systemd unit that runs `ferlite run`",
        description="Print a systemd unit for this installation and these arguments of `ferlite run`.",
        epilog="ferlite service -- 0 --timeout inf --mqtt mqtt://broker | sudo tee /etc/systemd/system/ferlite.service",
    )
    parser.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="those of `ferlite run`, after --")
    parser.set_defaults(command=_print)


def _print(options: argparse.Namespace) -> int:
    print(unit(options.arguments), end="")
    return 0


def unit(arguments: list[str]) -> str:
    """The unit's text. Raises SettingError for what cannot work in a service; a wrong argument ends the process."""
    parser = argparse.ArgumentParser(prog="ferlite")
    live.add_to(parser.add_subparsers())
    options = parser.parse_args(["run", *arguments])
    source = options.place or options.source or "0"
    camera = source.isdecimal() or source.startswith("/dev/")
    module = source.startswith("picamera")
    files = [options.detector_model, options.mqtt_ca]
    if options.model is not None and Path(options.model).name != options.model:  # else it is one that came along
        files.append(options.model)
    if not (camera or module or "://" in source):
        files.append(source)
    if re.search(r"://[^/@]*:[^/]*@", source):
        raise SettingError(
            "every user of this machine may read units: leave the password out of the source, and write "
            f"FERLITE_STREAM_PASSWORD=… into {ENVIRONMENT}, which only root may read (chmod 600)"
        )
    _check(options, [Path(file) for file in files if file is not None])
    # what comes from or goes to other machines; a camera module too is announced over netlink
    network = module or any("://" in argument for argument in arguments) or options.web is not None
    command = [os.path.abspath(sys.executable), "-P", "-m", "ferlite", "run", *arguments]  # noqa: PTH100 - links stay
    places = [str(place) for place in (*_installation(), *files)]
    return UNIT.format(
        version=ferlite.__version__,
        # the colon: a $ means nothing special in what follows
        command=":" + " ".join(map(quoted, command)),
        environment=ENVIRONMENT,
        # else each change of each face would be kept in the system's journal
        output="journal" if "-" in (options.jsonl, options.csv) else "null",
        homes="read-only" if any(place.startswith(HOMES) for place in places) else "yes",
        devices=CAMERA + CAMERA_MODULE if module else CAMERA if camera else NO_DEVICES,
        network_target=NETWORK_TARGET if network else "",
        network=SOME_NETWORK if network else NO_NETWORK,
    )


def quoted(argument: str) -> str:
    """An argument as it has to stand in ExecStart= of a unit, systemd.service(5), so that it arrives as it is."""
    try:
        argument.encode()
    except UnicodeEncodeError as error:
        raise SettingError(f"{argument!r} is not UTF-8, as everything in a unit has to be") from error
    if re.fullmatch(r"[\w@./:=+,-]+", argument, re.ASCII):
        return argument
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda sign: f"\\x{ord(sign[0]):02x}", escaped) + '"'


def _check(options: argparse.Namespace, files: list[Path]) -> None:
    for option, value, module in (("mqtt", options.mqtt, "paho"), ("web", options.web, "uvicorn")):
        if value is not None and find_spec(module) is None:
            advice = f"{sys.executable} -m pip install 'PATH_TO_A_CLONE[{option}]'"
            raise SettingError(f"--{option} needs {module}, which is not installed here: {advice}")
    if options.show:
        raise SettingError("--show needs a screen, which a service does not have")
    if options.mqtt is not None and Address.parse(options.mqtt).password is not None:
        raise SettingError(
            "every user of this machine may read units: leave the password out of --mqtt, and write "
            f"FERLITE_MQTT_PASSWORD=… into {ENVIRONMENT}, which only root may read (chmod 600)"
        )
    if options.web_token is not None:
        raise SettingError(f"every user of this machine may read units: write FERLITE_WEB_TOKEN=… into {ENVIRONMENT}")
    for name in (options.output, options.jsonl, options.csv):
        if name is not None and Path(name).name != name:
            raise SettingError(
                f"{name}: the service can write into /var/lib/ferlite only; give a name without a folder"
            )
    for file in files:
        if not file.is_absolute():
            raise SettingError(f"{file}: the service runs in another folder; give its whole path, {file.absolute()}")
    for file in (*_installation(), *files):
        _check_readable(file)


def _installation() -> list[Path]:
    """The interpreter, as it is called and where it is, and ferlite, which a clone only links into `.venv`."""
    interpreter = Path(sys.executable)
    return [interpreter, interpreter.resolve(), Path(ferlite.__file__), Path(ferlite.__file__).resolve()]


def _check_readable(path: Path) -> None:
    """The service has a user of its own, who is nobody in particular."""
    for place, letter, bit in ((path, "r", stat.S_IROTH), *((folder, "x", stat.S_IXOTH) for folder in path.parents)):
        try:
            closed = not place.stat().st_mode & bit
        except OSError as error:
            raise SettingError(f"{path}: cannot be read: {error.strerror}") from error
        if closed:
            raise SettingError(
                f"{path}: the service, a user of its own, cannot read it, as {place} is closed to others; move it "
                f"(ferlite itself into a virtual environment in /opt), or open {place} (chmod o+{letter})"
            )
