"""The settings of the log."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from stream_telemetry.options import option
from stream_telemetry.values import LOG_LEVELS, choice, count, directory, log_level, or_off

STANDARD_OUTPUT = Path("-")
JVM_LOG = "CHURN_STREAM_SPARK_LOG"
"""Environment variable with the name of the JVM's log, which another job's may have taken."""


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """Log."""

    log_level: str = option(
        "INFO", f"one of {', '.join(LOG_LEVELS)}", parse=log_level, metavar="LEVEL"
    )
    log_dir: Path = option(
        "logs",
        "directory of the JSON log; - for standard output",
        parse=directory,
        metavar="DIR",
    )
    log_file_mode: str = option(
        "0600",
        "mode of log files: 0600, or 0640 for readers of the directory's group",
        parse=choice("0600", "0640"),
        metavar="MODE",
    )

    @property
    def file_mode(self) -> int:
        """The mode, as a number."""
        return int(self.log_file_mode, 8)

    @property
    def of_jvm(self) -> str:
        """Where the JVM's own log is, as conf/log4j2.properties has it; for people."""
        if self.log_dir == STANDARD_OUTPUT:
            return "Spark's own lines on standard error"
        return str(self.log_dir / f"{os.environ.get(JVM_LOG, 'spark')}.log")


@dataclass(frozen=True, kw_only=True)
class RunLogSettings:
    """Log for people, and lines about single records."""

    run_log_dir: Path | None = option(
        "artifacts/logs",
        "directory of the log for people, a file for each run; off for none",
        parse=or_off(directory),
        metavar="DIR",
    )
    log_lines_per_second: int | None = option(
        "1000",
        "most log lines about single records; off for none, then the outputs are not read",
        parse=or_off(count(1)),
        metavar="N",
    )
