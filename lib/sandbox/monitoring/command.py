"""The command behind `./monitoring.sh`."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from sandbox.interrupts import Interrupted, Interrupts
from sandbox.monitoring.programs import Monitoring, Ports, answers, text_at
from sandbox.ports import LOOPBACK
from stream_telemetry.options import OFF, OwnOptions, option
from stream_telemetry.values import or_off, port
from telco_churn.errors import ChurnStreamError
from telco_churn.paths import project_home
from telco_churn.settings.flags import Command
from telco_churn.settings.resolve import read


def _listening(text: str) -> int:
    # Other programs' configuration names the port, so it must be known before the start.
    if port(text) == 0:
        raise ValueError("is not a port from 1 to 65535")
    return port(text)


@dataclass(frozen=True, kw_only=True)
class PortSettings(OwnOptions):
    """Ports, all on the loopback address."""

    job_port: int = option(
        "8000", "port of the running job's metrics", parse=_listening, metavar="PORT"
    )
    spark_port: int = option(
        "4040", "port of the running job's Spark page", parse=_listening, metavar="PORT"
    )
    prometheus_port: int = option("9090", "port for Prometheus", parse=_listening, metavar="PORT")
    pushgateway_port: int = option(
        "9091", "port for the Pushgateway", parse=_listening, metavar="PORT"
    )
    alertmanager_port: int = option(
        "9093", "port for Alertmanager", parse=_listening, metavar="PORT"
    )
    grafana_port: int = option("3000", "port for Grafana", parse=_listening, metavar="PORT")

    def ports(self) -> Ports:
        """The same, by program."""
        return Ports(**{one.name: getattr(self, f"{one.name}_port") for one in fields(Ports)})


@dataclass(frozen=True, kw_only=True)
class DirectorySettings(OwnOptions):
    """Data and logs."""

    directory: Path | None = option(
        OFF,
        "where they go, and stay; off: a new directory that is removed at the end",
        parse=or_off(Path),
        metavar="DIR",
    )


@dataclass(frozen=True, kw_only=True)
class MonitoringSettings:
    """The command's settings."""

    ports: PortSettings
    directory: DirectorySettings


COMMAND = Command(
    prog="./monitoring.sh",
    description="Starts Prometheus, Pushgateway, Alertmanager and, if it is installed, Grafana "
    "on this machine, on the files in conf/ and dashboards/, beside a running job.",
    epilog="Exit codes: 0 stopped as asked, 2 something to fix on this machine.",
    reads_config=False,
)


def main(arguments: Sequence[str]) -> int:
    """Runs the programs until somebody stops it; returns the exit code."""
    try:
        settings = read(MonitoringSettings, COMMAND, arguments, {})
        given = settings.directory.directory
        with Interrupts() as interrupts, _directory(given) as directory:
            try:
                _watch(settings.ports.ports(), directory, interrupts)
            except Interrupted:
                _say("Stopped; nothing is left running.")
    # OSError: the directory that was named cannot be made.
    except (ChurnStreamError, OSError) as error:
        sys.stderr.write(f"monitoring.sh: {error}\n")
        return 2
    return 0


@contextmanager
def _directory(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    # A program that is slow to end may still write there while it is removed.
    with tempfile.TemporaryDirectory(
        prefix="telco-churn-monitoring-", ignore_cleanup_errors=True
    ) as made:
        yield Path(made)


def _watch(ports: Ports, directory: Path, interrupts: Interrupts) -> None:
    with Monitoring(project_home(), directory, ports, interrupts.check) as monitoring:
        for name, address in monitoring.addresses.items():
            _say(f"  {name:<13} {address}{pages(name, address)}")
        if "grafana" not in monitoring.addresses:
            _say("  grafana       is not installed; its dashboards are in dashboards/*.json")
        _say(f"  reading       http://{LOOPBACK}:{ports.job}/metrics")
        _say(f"  data, logs    {directory}")
        _say("Let the job push with --pushgateway " + monitoring.addresses["pushgateway"])
        _say("Mail goes to the example addresses and fails. Ctrl-C stops everything.")
        while True:
            interrupts.check()
            monitoring.require_running()
            time.sleep(0.2)


def pages(name: str, address: str) -> str:
    """What to know of a program's pages, which Debian builds without parts of them."""
    if name == "prometheus" and answers(f"{address}/classic/graph"):
        return "/classic/   (its pages lie there in Debian's build)"
    if name == "alertmanager" and "<script" not in text_at(address):
        return f"   (Debian's has no pages: amtool --alertmanager.url={address} alert)"
    return ""


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
