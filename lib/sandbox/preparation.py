"""The command behind `./spark-submit.sh --prepare`: makes all that a start would make or fetch.

It belongs to the sandbox because it also prepares the sandbox's broker.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from launcher.cache.class_archive import VARIABLE, Mode, mode_of
from launcher.cache.training_run import make_now
from launcher.java import chosen_java
from launcher.jvm import broker_archive, job_archive, job_flags
from launcher.submit.division import divide
from launcher.submit.spark_settings import read_spark_settings
from launcher.submit.surroundings import with_conf_dir
from sandbox.kafka.kafka_jars import kafka_class_path
from telco_churn.errors import exit_with


def main(words: Sequence[str]) -> None:
    """Fetches the jars and makes the class archives; the Python packages are there by now.

    Args:
        words: The command line: `--prepare`, and options of spark-submit for the job's JVM.

    Raises:
        ChurnStreamError: something cannot be fetched or made.
    """
    division = divide(words, {"--prepare": False})
    settings = read_spark_settings(division, with_conf_dir(os.environ))
    sys.stderr.write(f"spark-submit.sh: {chosen_java()}\n")
    archives = [job_archive(settings), broker_archive(kafka_class_path())]
    if mode_of(os.environ) is Mode.OFF:
        sys.stderr.write(f"spark-submit.sh: no class archives: {VARIABLE} is off\n")
    elif not all(archive.is_made for archive in archives):
        sys.stderr.write("Making class archives (once, about a minute) ...\n")
        make_now(archives, job_flags(settings))
    sys.stderr.write("Ready.\n")


if __name__ == "__main__":
    exit_with("spark-submit.sh", main, sys.argv[1:])
