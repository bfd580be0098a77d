#!/bin/sh
# Set ferlite up in .venv/ beside this file: sh install.sh [EXTRA[,EXTRA…]]
# Uses a virtual environment of its own, so an externally managed system Python is left alone, and asks apt-get for
# system libraries only where they are missing.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "install.sh: ferlite needs Python 3.11 or newer; choose one by PYTHON=python3.12 sh install.sh" >&2
    exit 1
}

missing=
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
# what OpenCV's windows need, also where no window is ever opened
libraries=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null || true)
case $libraries in *libGL.so.1*) ;; *) missing="$missing libgl1" ;; esac
case $libraries in *libgthread-2.0.so.0*) ;; *) missing="$missing libglib2.0-0" ;; esac
isolation= as32=
if [ "$("$python" -c 'import sys; print(sys.maxsize < 2**32)')" = True ]; then
    # 32 bits, for which OpenCV has no wheels: Debian's own. The kernel may have 64 all the same, and pip would go by that.
    isolation=--system-site-packages as32=linux32
    "$python" -c 'import cv2, matplotlib' 2>/dev/null || missing="$missing python3-opencv opencv-data python3-matplotlib"
fi
if [ -n "$missing" ] && command -v apt-get >/dev/null; then
    root=
    [ "$(id -u)" = 0 ] || root=sudo
    echo "install.sh: installing$missing"
    $root apt-get update -qq
    # shellcheck disable=SC2086 # a list
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing
fi

[ -x .venv/bin/pip ] || "$python" -m venv $isolation .venv
# strict: else the clone's own folder, where it is called ferlite too, hides the package from scripts that lie beside it
$as32 .venv/bin/python -m pip install --quiet --disable-pip-version-check --config-settings editable_mode=strict \
    -e ".${1:+[$1]}"
