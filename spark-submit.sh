#!/usr/bin/env bash
# Prepares what the job needs (Python packages, a fitting Java) and submits it:
#
#   ./spark-submit.sh [spark-submit options] [job options]       --help lists the job's options
#   ./spark-submit.sh --sandbox [--rate N] [--events N] [--bad-ratio R] [the same]
#
# PYTHON names a Python >= 3.11. If it has the packages of setup.cfg it is used as it is, else a
# virtual environment is made from it in .venv beside this file.
set -eo pipefail

home=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)

die() {
    echo "spark-submit.sh: $1" >&2
    exit 2
}

# Prints the directory of this Python's pyspark; fails when it is too old or lacks a package.
spark_home_of() {
    "$1" - 2>/dev/null <<'PYTHON'
import importlib.util, os, sys
pyspark, kafka = map(importlib.util.find_spec, ("pyspark", "confluent_kafka"))
sys.exit(1) if sys.version_info < (3, 11) or not (pyspark and kafka) else print(os.path.dirname(pyspark.origin))
PYTHON
}

base_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        echo "$candidate" && return
    done
    die "no Python >= 3.11 found (tried ${PYTHON:-python3 and python3.11 to 3.13}); install one, or name it in PYTHON"
}

# Makes .venv, or brings it up to date when setup.cfg has changed since.
prepare_environment() {
    local base output stamp=$home/.venv/installed-setup.cfg
    python=$home/.venv/bin/python
    # Two first runs at the same time would spoil each other's environment.
    exec 9<"$home/setup.cfg"
    if command -v flock >/dev/null; then flock 9; fi
    if ! cmp -s "$home/setup.cfg" "$stamp" || ! "$python" -c '' 2>/dev/null; then
        base=$(base_python)
        echo "Preparing the Python environment (once, about a minute) ..." >&2
        output=$({ "$python" -c '' || "$base" -m venv --clear "$home/.venv"; } 2>&1 &&
            "$python" -m pip install --quiet --disable-pip-version-check --editable "${home}[java]" 2>&1) ||
            die "the Python packages could not be installed: $(tail -1 <<<"$output")"
        cp "$home/setup.cfg" "$stamp"
    fi
    exec 9<&-
}

# Sets `words`, the option as it was written, and `value`, from "--name=value" or "--name value".
read_value() {
    words=("$1") value=${1#*=}
    if [[ $1 != *=* ]]; then
        [[ $# -gt 1 ]] || die "$1 needs a value"
        words=("$1" "$2") value=$2
    fi
}

# Takes the first log file of the JVM that no other job writes to: the lock lives as long as the JVM.
claim_spark_log() {
    local directory=$CHURN_STREAM_LOG_DIR name number
    [[ $directory != - ]] || return 0
    command -v flock >/dev/null && (umask 077 && mkdir -p "$directory" 2>/dev/null) || return 0
    for number in '' -{2..99}; do
        name=spark$number
        (umask 077 && : >>"$directory/.$name.log.lock") 2>/dev/null || return 0
        exec 8>>"$directory/.$name.log.lock"
        if flock -n 8; then
            export CHURN_STREAM_SPARK_LOG=$name
            return
        fi
    done
}

spark_options=() sandbox_options=() job_options=()
sandbox='' help='' driver_is_local=yes
while [[ $# -gt 0 ]]; do
    words=("$1")
    case ${1%%=*} in
        --sandbox) sandbox=yes ;;
        -h | --help) help=yes ;;
        --rate | --events | --bad-ratio) read_value "$@" && sandbox_options+=("${words[@]}") ;;
        --supervise | --verbose | -v | --version | --load-spark-defaults) spark_options+=("$1") ;;
        --master | --remote | --deploy-mode | --class | --name | --jars | --packages | --repositories | \
            --exclude-packages | --py-files | --files | --archives | --conf | -c | --properties-file | \
            --driver-memory | --driver-java-options | --driver-library-path | --driver-class-path | \
            --driver-cores | --executor-memory | --executor-cores | --total-executor-cores | --queue | \
            --num-executors | --proxy-user | --principal | --keytab | --kill | --status)
            read_value "$@" && spark_options+=("${words[@]}")
            case $value in *://* | yarn | spark.master=[!l]*) driver_is_local='' ;; esac
            ;;
        *) job_options+=("$1") ;;
    esac
    shift ${#words[@]}
done
[[ -n $sandbox ]] || job_options+=("${sandbox_options[@]}")

if ! { [[ -n $PYTHON ]] && python=$PYTHON && spark_home=$(spark_home_of "$PYTHON"); }; then
    prepare_environment
    spark_home=$(spark_home_of "$python") || die "$home/.venv is incomplete; delete it and start again"
fi
export PYTHONPATH=$home/lib${PYTHONPATH:+:$PYTHONPATH}
if [[ -n $help ]]; then
    exec "$python" -m "$([[ -n $sandbox ]] && echo sandbox || echo telco_churn.settings)" --help
fi
logs=$("$python" -m telco_churn.settings "${job_options[@]}")
export CHURN_STREAM_LOG_DIR=${logs%$'\n'*} CHURN_STREAM_LOG_PERMISSIONS=${logs##*$'\n'}
JAVA_HOME=$("$python" -m launcher.java)
export JAVA_HOME
# The user's own list would replace ours; the job then fetches the connector by itself.
if [[ ! " ${spark_options[*]}" =~ \ --(jars|packages|remote) ]]; then
    connector=$("$python" -m launcher.cache.connector)
    spark_options+=(--jars "$connector")
fi

# Another Spark that the environment may name has not been tested with this job.
export SPARK_HOME=$spark_home PYSPARK_PYTHON=$python PYSPARK_DRIVER_PYTHON=$python
[[ -n $SPARK_CONF_DIR ]] || export SPARK_CONF_DIR=$home/conf
# Without this Spark's web page and ports are open to the network.
[[ -z $driver_is_local ]] || export SPARK_LOCAL_IP=${SPARK_LOCAL_IP:-127.0.0.1}
command=("$SPARK_HOME/bin/spark-submit" "${spark_options[@]}" "$home/jobs/churn_stream.py" "${job_options[@]}")
[[ ! -t 1 ]] || export FORCE_COLOR=${FORCE_COLOR-1}
claim_spark_log
[[ -z $sandbox ]] || exec "$python" -m sandbox "${sandbox_options[@]}" -- "${command[@]}"
exec "${command[@]}"
