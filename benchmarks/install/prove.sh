#!/bin/sh
# Prove that ferlite installs, from wheels alone, and works on another system or with another Python:
#
#   sh benchmarks/install/prove.sh arm64 bookworm [FOLDER]   in a Debian made for it: amd64, arm64 or armhf, any release
#   sh benchmarks/install/prove.sh python3.13 [FOLDER]       here, with that Python
#
# It ends with a table, a log beside it, and exit code 0 where all went well. A foreign processor is emulated, which takes
# hours, and without the tests that emulated.txt lists. FOLDER, by default one under ${TMPDIR:-/tmp}, gets everything; a
# Debian already in it is used again. FERLITE_DATA=fer2013.csv.zip compares the outputs on 30 rows of its validation split
# too; PYTEST="tests/test_images.py" runs these tests instead of all that make sense there. See docs/install.md.
set -eu
clone=$(cd "$(dirname "$0")/../.." && pwd)

main() {
    case ${1-} in
    amd64 | arm64 | armhf)
        folder=${3:-${TMPDIR:-/tmp}/ferlite-$1-${2:?which release? For example bookworm}}
        make_system "$1" "$2" "$folder"
        prepare "$folder/home/pi"
        try_in_system "$1" "$folder"
        ;;
    --steps) steps "$2" "$3" ;; # in the Debian, where this file lies too
    "" | -*) sed -n '2,/^set/s/^#.\{0,1\}//p' "$0" && exit 2 ;;
    *)
        folder=${2:-${TMPDIR:-/tmp}/ferlite-$(basename "$1")}
        prepare "$folder"
        steps "$1" "$folder"
        ;;
    esac
}

make_system() { # ARCHITECTURE RELEASE FOLDER
    [ "$(id -u)" = 0 ] || fail "making a Debian needs root"
    command -v mmdebstrap >/dev/null || fail "apt-get install mmdebstrap qemu-user-static debian-archive-keyring"
    case $1 in
    arm64) emulate aarch64 ;;
    armhf) emulate arm ;;
    esac
    [ ! -e "$3/complete" ] || return 0
    [ ! -e "$3" ] || fail "$3 is there and is no Debian made by this script: remove it, or name another folder"
    # what docs/install.md tells the user to install
    case $1 in
    armhf) packages=python3-venv,python3-opencv,opencv-data,python3-matplotlib ;;
    *) packages=python3-venv,libgl1,libglib2.0-0 ;;
    esac
    echo "== Debian $2 for $1 in $3"
    mmdebstrap --quiet --variant=minbase --architectures="$1" --include="$packages" \
        --dpkgopt=force-unsafe-io "$2" "$3" http://deb.debian.org/debian
    inside "$3" useradd --create-home pi
    # this machine's: a network that looks into TLS has some of its own
    cp /etc/ssl/certs/ca-certificates.crt "$3/home/pi/"
    touch "$3/complete"
}

# The kernel starts programs of the processor $1 by qemu, wherever they lie.
emulate() {
    formats=/proc/sys/fs/binfmt_misc
    [ -e $formats/register ] || mount -t binfmt_misc none $formats || fail "this kernel has no binfmt_misc"
    [ -e "$formats/qemu-$1" ] || {
        [ -e "/usr/lib/binfmt.d/qemu-$1.conf" ] || fail "apt-get install qemu-user-static"
        cat "/usr/lib/binfmt.d/qemu-$1.conf" >$formats/register
    }
}

# Run a command in the Debian in $1. Its mounts end with it: nothing of this machine is left in the folder.
inside() {
    # shellcheck disable=SC2016 # expanded by that shell
    unshare --mount sh -c 'mount -t proc proc "$0/proc"; mount --rbind /sys "$0/sys"; mount --rbind /dev "$0/dev"
        cp -f /etc/resolv.conf /etc/hosts "$0/etc/"
        [ ! -e "$0/home/pi/cpuinfo" ] || mount --bind "$0/home/pi/cpuinfo" "$0/proc/cpuinfo"
        exec chroot "$0" "$@"' "$@"
}

# The wheel, what it gives on this machine, and of the clone all but ferlite/: it is the installed one that is tried.
prepare() { # FOLDER
    sh "$clone/install.sh" test
    rm -rf "$1/clone" "$1/dist"
    mkdir -p "$1/clone"
    cd "$clone"
    .venv/bin/python -m pip wheel --quiet --no-deps --wheel-dir "$1/dist" .
    git ls-files -z -co --exclude-standard | grep -zv '^ferlite/' | xargs -0 cp --parents -t "$1/clone"
    chown -R --reference="$1" "$1/clone"
    .venv/bin/python -m benchmarks.install.outputs save "$1/outputs.npz" ${FERLITE_DATA:+--data "$FERLITE_DATA"}
}

try_in_system() { # ARCHITECTURE FOLDER
    # The emulated processors are those of boards, which have fewer instructions than the newest: a wheel that uses
    # others dies here as it would there.
    case $1 in
    arm64) processors="cortex-a72 cortex-a53 cortex-a76" ;; # Raspberry Pi 4, 3, 5
    armhf) processors="cortex-a7" ;;                        # Raspberry Pi 2
    *) processors= ;;
    esac
    rm -f "$2/home/pi/cpuinfo"
    [ -z "$processors" ] || install -m 666 /dev/null "$2/home/pi/cpuinfo" # becomes /proc/cpuinfo
    inside "$2" chroot --userspec=pi:pi / env -i PATH=/usr/bin:/bin HOME=/home/pi LANG=C.UTF-8 \
        PIP_CERT=/home/pi/ca-certificates.crt PROCESSORS="$processors" PYTEST="${PYTEST-}" \
        sh /home/pi/clone/benchmarks/install/prove.sh --steps python3 /home/pi
}

# What a user does, with PYTHON $1 in FOLDER $2.
steps() {
    cd "$2"
    log=$PWD/$(date +%Y-%m-%d-%H%M).log
    do_steps "$1" "$PWD" 2>&1 | tee "$log"
    echo "log: $log"
    [ "$(tail -n 1 "$log")" = "all proved" ]
}

do_steps() { # PYTHON FOLDER
    bin=$2/venv/bin
    pip="$bin/python -m pip install --disable-pip-version-check --progress-bar off --retries 10 --only-binary :all:"
    wheel=file://$(echo "$2"/dist/*.whl)
    bits=$("$1" -c 'import struct; print(8 * struct.calcsize("P"))')
    table=
    failed=0
    : "${PROCESSORS=}"
    export FERLITE_CACHE="$2/cache" PYTHONUNBUFFERED=1
    be "${PROCESSORS%% *}"
    rm -rf venv cache
    echo "$(. /etc/os-release && echo "$PRETTY_NAME"), $(uname -m), $bits bits, $("$1" --version)"
    if [ "$bits" = 64 ]; then
        step "virtual environment" "$1" -m venv venv
        step "ferlite from wheels" $pip "ferlite @ $wheel"
        step "tools for tests" $pip --no-compile "ferlite[test] @ $wheel"
    else # docs/install.md says why
        step "virtual environment" "$1" -m venv --system-site-packages venv
        step "ferlite from wheels" linux32 $pip "ferlite @ $wheel"
        # of the extra `test` what has wheels
        step "tools for tests" linux32 $pip --no-compile "ferlite[mqtt,web] @ $wheel" "pytest>=8" "hypothesis>=6.100" \
            "gpiozero>=2"
    fi
    step "its packages" "$bin/python" -m pip list --local
    step "demo" "$bin/ferlite" demo --seconds 3
    ! "$bin/ferlite" --help | grep -q doctor || step "doctor" "$bin/ferlite" doctor
    cd clone
    for processor in ${PROCESSORS:-""}; do
        be "$processor"
        step "outputs${processor:+ on a $processor}" "$bin/python" -m benchmarks.install.outputs compare "$2/outputs.npz"
    done
    be "${PROCESSORS%% *}"
    # shellcheck disable=SC2046 # a list
    step "tests" "$bin/python" -m pytest -q -m "not tensorflow" -p no:cacheprovider --durations 10 \
        ${PROCESSORS:+--hypothesis-profile emulated} ${PYTEST:-tests $(left_out)}
    printf '\n%b' "$table"
    [ $failed = 1 ] && echo "not all proved" || echo "all proved"
}

# pytest's options for what is not run: the training side, the tests that break ferlite's sources in a clone, which are not
# in this one, and on an emulated processor what emulated.txt lists.
left_out() {
    echo --ignore tests/export --ignore tests/reliability/test_mutations.py
    [ -z "$PROCESSORS" ] || sed -n 's/^tests/--deselect &/p' benchmarks/install/emulated.txt
}

# Have qemu emulate that processor. It leaves /proc/cpuinfo as it is on this machine, and by that LiteRT, which chooses its
# kernels after it, dies of SIGSEGV.
be() {
    case $1 in
    "") return ;;
    cortex-a7) part=0xc07 ;;
    cortex-a53) part=0xd03 ;;
    cortex-a72) part=0xd08 ;;
    cortex-a76) part=0xd0b ;;
    esac
    export QEMU_CPU="$1"
    for core in 0 1 2 3; do
        printf '%s\t: %s\n' processor "$core" "CPU implementer" 0x41 "CPU architecture" 8 "CPU part" $part
        echo
    done >"$HOME/cpuinfo"
}

step() { # TITLE COMMAND…
    title=$1
    shift
    printf '\n== %s: %s\n' "$title" "$*"
    began=$(date +%s)
    if "$@"; then said=passed; else said=FAILED failed=1; fi
    table="$table$(printf '%-32s %s %6d s' "$title" $said $(($(date +%s) - began)))\n"
}

fail() {
    echo "prove.sh: $*" >&2
    exit 1
}

main "$@"
