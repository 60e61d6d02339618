"""What a sandbox run is to do."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from sandbox.errors import SandboxError

# The sandbox has to choose these itself: they tie the job to its broker.
_RESERVED: Final = (
    "--broker",
    "--input-topic",
    "--output-topic",
    "--deadletter-topic",
    "--checkpoint",
)
_DEFAULT_METRICS_PORT: Final = "8000"
_EVENTS_OF_A_BATCH: Final = 1_000


@dataclass(frozen=True)
class Plan:
    """A sandbox run.

    Attributes:
        rate: Events per second, when it streams.
        events: How many events; None is without end.
        bad_ratio: Share of broken records among them, 0 to 1.
        job: The command that runs the job; the sandbox adds the broker, topics and checkpoint.
    """

    rate: float
    events: int | None
    bad_ratio: float
    job: tuple[str, ...]

    @property
    def is_once(self) -> bool:
        """Whether the job is to end when it has read all there is (`--trigger once`)."""
        return self.job_option("--trigger") == "once"

    @property
    def batch_events(self) -> int:
        """How many events are fed before a job that runs once."""
        return self.events or _EVENTS_OF_A_BATCH

    @property
    def metrics_port(self) -> int | None:
        """Where the job will show its metrics; None where that is not known before it starts."""
        variable = os.environ.get("CHURN_STREAM_METRICS_PORT")
        port = self.job_option("--metrics-port") or variable or _DEFAULT_METRICS_PORT
        return int(port) if port.isdecimal() and port != "0" else None

    def job_option(self, name: str) -> str | None:
        """The value of an option in the job's command, the last one as for the job; else None."""
        value = None
        for word, following in zip(self.job, [*self.job[1:], ""], strict=True):
            if word == name:
                value = following
            elif word.startswith(f"{name}="):
                value = word.partition("=")[2]
        return value


def parse_plan(arguments: Sequence[str]) -> Plan:
    """The plan that command-line arguments ask for: the sandbox's own, `--`, the job's command.

    Raises:
        SandboxError: if an option is unknown, malformed, or not the user's to choose.
        SystemExit: with 0, after `--help`.
    """
    words = list(arguments)
    split = words.index("--") if "--" in words else len(words)
    options = _parser().parse_args(words[:split])
    plan = Plan(options.rate, options.events, options.bad_ratio, tuple(words[split + 1 :]))
    if not plan.job:
        raise SandboxError("there is no job to run; start it by ./spark-submit.sh --sandbox")
    for name in _RESERVED:
        if (value := plan.job_option(name)) is not None:
            raise SandboxError(f"{name} {value} is chosen by --sandbox itself; leave it out")
    return plan


class _OneLineParser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SandboxError(f"{message}; --sandbox --help lists the options")


def _parser() -> ArgumentParser:
    parser = _OneLineParser(
        prog="./spark-submit.sh --sandbox",
        usage="%(prog)s [--rate N] [--events N] [--bad-ratio R] [job and spark-submit options]",
        description="Tries the job on this machine: starts a real Kafka, feeds made-up customers "
        "to it and runs the job on them until Ctrl-C. With --trigger once it feeds --events "
        "events, scores them and prints a summary.",
        epilog="The job's own options: ./spark-submit.sh --help. Exit codes: 0 done or stopped as "
        "asked, 2 something to mend on this machine, 5 events unaccounted for, else the job's own.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--rate",
        type=_positive,
        default=50.0,
        metavar="EVENTS_PER_S",
        help="events a second while it streams (default 50)",
    )
    parser.add_argument(
        "--events",
        type=_count,
        metavar="N",
        help=f"how many events (default: without end; with --trigger once {_EVENTS_OF_A_BATCH:,})",
    )
    parser.add_argument(
        "--bad-ratio",
        type=_share,
        default=0.01,
        metavar="SHARE",
        help="share of broken records, 0 to 1 (default 0.01)",
    )
    return parser


def _positive(text: str) -> float:
    rate = _number(text)
    if not 0 < rate < float("inf"):
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return rate


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _share(text: str) -> float:
    share = _number(text)
    if not 0 <= share <= 1:
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return share


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a number") from error
