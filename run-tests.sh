#!/usr/bin/env bash
# Everything that has to hold: style, types, and the tests on real Kafka and Prometheus.
#
#   ./run-tests.sh            all but the slow tests
#   ./run-tests.sh --all      the slow ones too
#   ./run-tests.sh --fast     only what needs neither a broker nor other servers
#   ./run-tests.sh -k WORD    further arguments go to pytest
#
# It makes .venv from the locks (requirements*.lock) and installs the Debian packages that the tests run
# against: root at once, others by sudo, once they have agreed. Where that cannot be, it says what is
# missing, runs all that needs none of it, and ends with 1.
set -euo pipefail

home=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
program=run-tests.sh
# shellcheck source=lib/launcher/before/environment.sh
. "$home/lib/launcher/before/environment.sh"
cd "$home"

# Each program that tests start, and the Debian package that has it.
declare -A package_of=(
    [dash]=dash
    [busybox]=busybox
    [unshare]=util-linux
)
declare -A servers=(
    [prometheus]=prometheus
    [promtool]=prometheus
    [prometheus-pushgateway]=prometheus-pushgateway
    [prometheus-alertmanager]=prometheus-alertmanager
    [amtool]=prometheus-alertmanager
    [jq]=jq
    [cc]=build-essential
    [chromium]=chromium
    [tini]=tini
    [setpriv]=util-linux
)

selection=(-m "not slow") paths=(tests)
case ${1:-} in
    --all) selection=() && shift ;;
    --fast) paths=(tests/unit) && shift ;;
esac
if [[ ${paths[*]} == tests ]]; then
    for name in "${!servers[@]}"; do package_of[$name]=${servers[$name]}; done
fi

# Prints the programs that are not there.
missing_programs() {
    local name
    for name in "${!package_of[@]}"; do
        command -v "$name" >/dev/null || echo "$name"
    done | sort
}

# Prints the packages of the programs that are not there, and what makes environments of Python.
missing_packages() {
    local name
    {
        for name in $(missing_programs); do echo "${package_of[$name]}"; done
        if ! has_python; then echo python3; fi
        if ! has_python || ! makes_environments; then echo python3-venv; fi
    } | sort -u
}

has_python() {
    (find_python) 2>/dev/null
}

# An environment that is there already needs nothing to make it.
makes_environments() {
    [[ -x .venv/bin/python ]] || command -v uv >/dev/null || (find_python && "$python" -c 'import ensurepip') 2>/dev/null
}

install() {
    local sudo=() answer
    command -v apt-get >/dev/null || return 0
    if [[ $(id -u) != 0 ]]; then
        command -v sudo >/dev/null || return 0
        sudo=(sudo)
        if [[ -t 0 ]]; then
            read -rp "To be installed by sudo apt-get: $*. Go on? [Y/n] " answer
            [[ ${answer:-y} == [yY]* ]] || return 0
        else
            sudo=(sudo -n)
        fi
    fi
    echo "Installing $* ..."
    if ! "${sudo[@]}" apt-get update -qq ||
        ! "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null; then
        echo "run-tests.sh: $* could not be installed" >&2
    fi
}

mapfile -t packages < <(missing_packages)
[[ ${#packages[@]} == 0 ]] || install "${packages[@]}"
missing=$(missing_programs | xargs)
left_out=()
told="run-tests.sh: not to be had here: $missing; the tests that need them are left out"
if [[ -n $missing ]]; then
    echo "$told" >&2
    left_out=(-p tests.left_out --without "$missing")
fi

own_environment dev,docs,otel,java
echo "== style and types"
"$python" -m ruff format --check --quiet .
"$python" -m ruff check --quiet .
"$python" -m mypy
# There is none for ARM.
[[ $(uname -m) != x86_64 ]] || .venv/bin/shellcheck -x ./*.sh deploy/*.sh .ci/run

echo "== tests"
export PYTHON=$python
# Most of them start Java, which is quicker with a class archive.
if [[ ${paths[*]} == tests ]]; then ./spark-submit.sh --prepare || true; fi
# A file stays together, for the servers that its tests share. In the order of their names the files that
# take long come before the many short ones, which fill all processes to the end. One more than there may be
# cores: most tests wait for other processes.
"$python" -m pytest -n 3 --dist loadfile --no-loadscope-reorder "${left_out[@]}" "${paths[@]}" "${selection[@]}" "$@"
if [[ -n $missing ]]; then
    echo "$told" >&2
    exit 1
fi
