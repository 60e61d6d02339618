#!/bin/sh
# Starts Prometheus, Pushgateway, Alertmanager and, if it is installed, Grafana beside a running job:
#
#   ./spark-submit.sh --sandbox --pushgateway http://127.0.0.1:9091      # in another terminal
#   ./monitoring.sh                                                      # --help lists its options
set -eu

script=$0
while [ -L "$script" ]; do
    link=$(readlink "$script")
    case $link in
        /*) script=$link ;;
        *) script=$(dirname "$script")/$link ;;
    esac
done
home=$(CDPATH='' cd "$(dirname "$script")" && pwd -P)
program=monitoring.sh
# shellcheck source=lib/launcher/before/environment.sh
. "$home/lib/launcher/before/environment.sh"

# It needs no packages, so any Python will do.
find_python
PYTHONPATH=$home/lib
export PYTHONPATH
exec "$python" -P -m sandbox.monitoring "$@"
