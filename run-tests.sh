#!/usr/bin/env bash
# Everything that has to hold: style, types, and the tests on real Kafka and Prometheus.
#
#   ./run-tests.sh            all but the slow tests
#   ./run-tests.sh --all      the slow ones too
#   ./run-tests.sh --fast     only what needs neither a broker nor other servers
#   ./run-tests.sh -k WORD    further arguments go to pytest
#
# Makes .venv from the pins in setup.cfg. With CI=true it also installs the Debian packages that the
# tests run against; elsewhere it names what is missing.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

packages=(prometheus prometheus-pushgateway prometheus-alertmanager jq)
binaries=(prometheus promtool prometheus-pushgateway prometheus-alertmanager amtool jq)

selection=(-m "not slow") paths=(tests)
case ${1:-} in
    --all) selection=() && shift ;;
    --fast) paths=(tests/unit) && shift ;;
esac

missing() {
    local binary
    for binary in "${binaries[@]}"; do
        command -v "$binary" >/dev/null || echo "$binary"
    done
}

if [[ ${paths[*]} == tests && -n $(missing) ]]; then
    if [[ ${CI:-} == true ]]; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}" >/dev/null
    else
        echo "run-tests.sh: missing $(missing | xargs); install them, e.g. apt-get install ${packages[*]}" >&2
        exit 2
    fi
fi

python=.venv/bin/python
if ! cmp -s setup.cfg .venv/tested-setup.cfg; then
    echo "Preparing the Python environment (once, about a minute) ..."
    ${PYTHON:-python3} -m venv --clear .venv
    "$python" -m pip install --quiet --disable-pip-version-check --editable '.[dev,java]'
    cp setup.cfg .venv/installed-setup.cfg
    cp setup.cfg .venv/tested-setup.cfg
fi

echo "== style and types"
"$python" -m ruff format --check --quiet .
"$python" -m ruff check --quiet .
"$python" -m mypy
.venv/bin/shellcheck -x ./*.sh .ci/run

echo "== tests"
export PYTHON=$PWD/$python
# A file stays together, for the servers that its tests share.
"$python" -m pytest -n 2 --dist loadfile "${paths[@]}" "${selection[@]}" "$@"
