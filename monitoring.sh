#!/usr/bin/env bash
# Starts Prometheus, Pushgateway, Alertmanager and, if it is installed, Grafana beside a running job:
#
#   ./spark-submit.sh --sandbox --pushgateway http://127.0.0.1:9091      # in another terminal
#   ./monitoring.sh                                                      # --help lists its options
set -euo pipefail

home=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
python=${PYTHON:-$home/.venv/bin/python}
# It needs no packages, so any Python will do.
[[ -x $(command -v "$python") ]] || python=python3
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "monitoring.sh: no Python >= 3.11 found (tried $python); install one, or name it in PYTHON" >&2
    exit 2
fi
export PYTHONPATH=$home/lib${PYTHONPATH:+:$PYTHONPATH}
exec "$python" -m sandbox.monitoring "$@"
