"""The command that writes rules, dashboards and runbook."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dashboards.site import Names, Site, Thresholds
from dashboards.written import written
from stream_telemetry.options import OFF, OwnOptions, option
from stream_telemetry.values import directory, or_off
from telco_churn.errors import ChurnStreamError
from telco_churn.settings.flags import Command
from telco_churn.settings.resolve import read

_HOME = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class Destination(OwnOptions):
    """Where to."""

    out: Path | None = option(
        OFF,
        "directory that gets conf/, dashboards/ and docs/; off: this project's own",
        parse=or_off(directory),
        metavar="DIR",
    )


@dataclass(frozen=True, kw_only=True)
class DashboardsSettings:
    """The command's settings."""

    names: Names
    limits: Thresholds
    destination: Destination


COMMAND = Command(
    prog="python -m dashboards",
    description="Writes alert rules, recording rules, examples for Prometheus and Alertmanager, "
    "dashboards and the runbook, for your own names, labels and thresholds.",
    epilog="Exit codes: 0 written, 2 a setting or the directory does not fit.",
    reads_config=False,
)


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Writes the files; returns the exit code."""
    try:
        settings = read(DashboardsSettings, COMMAND, arguments, environment)
        out = settings.destination.out or _HOME
        for name, text in written(Site(names=settings.names, limits=settings.limits)).items():
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except (ChurnStreamError, OSError) as error:
        sys.stderr.write(f"{COMMAND.prog}: {error}\n")
        return 2
    return 0
