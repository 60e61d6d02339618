"""Spark's directories for blocks on this machine: /tmp, unless `spark.local.dir` names another.

Whoever cleans there takes them for left over: systemd removes what nobody has used for ten days.
Spark makes them once, and from then on every task fails for which it would write a file there.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

log = logging.getLogger(__name__)


def restore_local_directories(spark: SparkSession) -> None:
    """Makes those of the driver again that are gone, and says so.

    In local mode the driver's are all that there are; an executor elsewhere that has lost its own
    fails its tasks until it is replaced.
    """
    disk: Any = spark.sparkContext._jsc.sc().env().blockManager().diskBlockManager()
    # Spark also remembers which of these it has made.
    names = [f"{number:02x}" for number in range(disk.subDirsPerLocalDir())]
    for place in map(Path, disk.localDirsString()):
        if not place.is_dir():
            log.warning("Spark's directory %s was removed; it is made again", place)
        try:
            for name in names:
                (place / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            log.warning("Spark's directory %s: %s", place, error.strerror)
