"""The command behind `./monitoring.sh`."""

from __future__ import annotations

import sys
import tempfile
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Final, NoReturn

from sandbox.errors import SandboxError
from sandbox.interrupts import Interrupted, Interrupts
from sandbox.monitoring.programs import Monitoring, Ports
from sandbox.ports import LOOPBACK
from telco_churn.errors import ChurnStreamError

_HOME: Final = Path(__file__).resolve().parents[3]


def main(arguments: Sequence[str]) -> int:
    """Runs the programs until somebody stops it; returns the exit code."""
    try:
        options = _parser().parse_args(arguments)
        with Interrupts() as interrupts, _directory(options.directory) as directory:
            try:
                _watch(options, directory, interrupts)
            except Interrupted:
                _say("Stopped; nothing is left running.")
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
    with tempfile.TemporaryDirectory(
        prefix="telco-churn-monitoring-", ignore_cleanup_errors=True
    ) as made:
        yield Path(made)


def _watch(options: Namespace, directory: Path, interrupts: Interrupts) -> None:
    ports = Ports(**{one.name: getattr(options, f"{one.name}_port") for one in fields(Ports)})
    with Monitoring(_HOME, directory, ports, interrupts.check) as monitoring:
        for name, address in monitoring.addresses.items():
            _say(f"  {name:<13} {address}")
        if "grafana" not in monitoring.addresses:
            _say("  grafana       is not installed; its dashboards are in dashboards/*.json")
        _say(f"  reading       http://{LOOPBACK}:{ports.job}/metrics")
        _say(f"  data, logs    {directory}")
        _say("Let the job push with --pushgateway " + monitoring.addresses["pushgateway"])
        _say("Mail is tried by the example addresses and fails. Ctrl-C stops everything.")
        while True:
            interrupts.check()
            monitoring.require_running()
            time.sleep(0.2)


class _OneLineParser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SandboxError(f"{message}; --help lists the options")


def _parser() -> ArgumentParser:
    parser = _OneLineParser(
        prog="./monitoring.sh",
        description="Starts Prometheus, Pushgateway, Alertmanager and, if it is installed, Grafana "
        "on this machine, on the files in conf/ and dashboards/, beside a running job.",
        epilog="Exit codes: 0 stopped as asked, 2 something to mend on this machine.",
        allow_abbrev=False,
    )
    for one in fields(Ports):
        whose = "of the running job's" if one.name in ("job", "spark") else "for"
        what = {"job": "metrics", "spark": "Spark page"}.get(one.name, one.name)
        parser.add_argument(
            f"--{one.name}-port",
            type=_port,
            default=one.default,
            metavar="PORT",
            help=f"port {whose} {what} (default {one.default})",
        )
    parser.add_argument(
        "--directory",
        type=Path,
        metavar="DIR",
        help="where data and logs go, and stay (default: a new one that is removed at the end)",
    )
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return int(text)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
