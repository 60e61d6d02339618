"""The log file of the JVM, one for each job that writes to the same directory."""

from __future__ import annotations

import contextlib
import os
import stat

from stream_telemetry.logs.files.own_file import claim
from stream_telemetry.logs.settings import JVM_LOG, STANDARD_OUTPUT, LogSettings


def claim_spark_log(log: LogSettings) -> dict[str, str]:
    """Environment variables by which conf/log4j2.properties names the JVM's log: `spark.log`.

    While another job writes to that one it is `spark-2.log`, and so on. The claim is inherited by
    what this process starts or becomes, and ends with the last of them. Where nothing can be
    written nothing is claimed: the job itself says what is wrong there.
    """
    variables = {"CHURN_STREAM_LOG_PERMISSIONS": stat.filemode(log.file_mode)[1:]}
    if log.log_dir == STANDARD_OUTPUT:
        return variables | {"CHURN_STREAM_LOG_DIR": str(log.log_dir)}
    directory = log.log_dir.absolute()
    variables["CHURN_STREAM_LOG_DIR"] = str(directory)
    with contextlib.suppress(OSError):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path, lock = claim(directory / "spark.log")
        variables[JVM_LOG] = path.stem
        if lock is not None:
            os.set_inheritable(lock, True)
    return variables
