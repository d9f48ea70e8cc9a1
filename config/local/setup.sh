#!/bin/sh
# Makes the virtual environment .venv with the pinned requirements, unless it exists and is up to date.
# Needs only Python 3.11 or newer. Every target of the Makefile runs it.
set -eu
cd "$(dirname "$0")/../.."

fail() {
    echo "setup: $*" >&2
    exit 1
}

# Shows a command's output only if it fails, because pip always warns about the machine's own configuration.
quietly() {
    "$@" >.local/setup.log 2>&1 && return
    cat .local/setup.log >&2
    return 1
}

find_python() {
    for name in python3 python3.13 python3.12 python3.11 python3.14; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# The path is included because a virtual environment's scripts contain the full path of their interpreter.
state_of() {
    cat requirements.txt requirements-dev.txt | sha256sum | cut -d ' ' -f 1
    "$1" --version
    pwd -P
}

is_done() {
    [ -x .venv/bin/python ] && [ -f .venv/setup-done ] &&
        [ "$(state_of .venv/bin/python 2>/dev/null)" = "$(cat .venv/setup-done)" ]
}

works() {
    .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null &&
        .venv/bin/python -m pip --version >/dev/null 2>&1
}

# Debian's python3 has no ensurepip unless python3-venv is installed, so other ways are tried.
make_venv() {
    "$python" -m venv --clear .venv >/dev/null 2>&1 && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "setup: installing Debian's package python3-venv …" >&2
        version=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        export DEBIAN_FRONTEND=noninteractive
        install="apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 install"
        { $install "$version" || { apt-get -qq update && $install "$version"; }; } >/dev/null 2>&1 || true
        "$python" -m venv --clear .venv >/dev/null 2>&1 && return
    fi
    "$python" -m virtualenv --clear --quiet .venv >/dev/null 2>&1 && return
    virtualenv --clear --quiet --python "$python" .venv >/dev/null 2>&1 && return
    if "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m venv --clear --without-pip .venv &&
            quietly "$python" -m pip --quiet --python .venv/bin/python install pip && return
    fi
    if command -v uv >/dev/null; then
        quietly uv venv --quiet --clear --seed --python "$python" .venv && return
    fi
    fail "$python cannot make a virtual environment: please install Debian's package python3-venv."
}

if is_done; then
    exit 0
fi
python=$(find_python) || fail "Python 3.11 or newer is needed: please install Debian's package python3."
mkdir -p .local
# If two commands start at the same time, the second waits for the first and then has nothing to do.
if command -v flock >/dev/null; then
    exec 9>.local/setup.lock
    flock 9
    if is_done; then
        exit 0
    fi
fi
echo "setup: making .venv with $("$python" --version) …" >&2
rm -f .venv/setup-done
[ "$(tail -n 1 .venv/setup-started 2>/dev/null)" = "$(pwd -P)" ] && works || make_venv
pwd -P >.venv/setup-started
# The list is complete, so nothing needs resolving. A resolver would look at releases newer than the pinned ones, which
# makes old resolvers fail.
quietly .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps \
    --require-hashes --requirement requirements-dev.txt ||
    fail "the packages could not be installed; the lines above say why."
.venv/bin/python -m compileall -q backend config
state_of .venv/bin/python >.venv/setup-done
