#!/bin/sh
# Prepares what the job needs and submits it:
#
#   ./spark-submit.sh [spark-submit options] [job options]       --help lists the job's options
#   ./spark-submit.sh --sandbox [--rate N] [--events N] [--bad-ratio R] [the same]
#   ./spark-submit.sh --prepare      makes what is made once, and ends: environment, jars, class archives
#
# PYTHON names a Python >= 3.11. If it has the packages of setup.cfg it is used as it is, else a
# virtual environment is made from it in .venv beside this file, with the packages that the locks
# name (requirements*.lock). All that comes after is Python: lib/launcher.
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
program=spark-submit.sh
# shellcheck source=lib/launcher/before/environment.sh
. "$home/lib/launcher/before/environment.sh"

heed_signals
use_environment
# Another Spark may be on it.
CALLERS_PYTHONPATH=${PYTHONPATH:-}
PYTHONPATH=$home/lib
export PYTHONPATH CALLERS_PYTHONPATH
# -P: nothing in the directory where it is called takes the place of a package.
exec "$python" -P -m launcher.before.watched "$@"
