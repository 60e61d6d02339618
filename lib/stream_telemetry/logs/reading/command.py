"""`python -m stream_telemetry.logs`: its options, and what they do."""

from __future__ import annotations

import argparse
import heapq
import io
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from stream_telemetry.logs.lines import has_colours
from stream_telemetry.logs.reading.entry import LEVELS, Choice, Entry
from stream_telemetry.logs.reading.family import Family
from stream_telemetry.logs.reading.follow import Follower, follow
from stream_telemetry.logs.reading.shown import shown
from stream_telemetry.logs.reading.tables import Counts, Latencies

PROGRAM = "python -m stream_telemetry.logs"
_STANDARD_INPUT = Path("-")
_LINES_BEFORE = 10
_BAD_OPTIONS = 2


def main(arguments: Sequence[str]) -> int:
    """Prints what is asked for; gives the exit code."""
    options = _parser().parse_args(arguments)
    try:
        logs = _logs(options.logs)
        _check(options, logs)
        _run(options, logs)
    except _UsageError as error:
        _tell(str(error))
        return _BAD_OPTIONS
    except BrokenPipeError:
        # `| head` has seen enough; Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        pass
    return 0


class _UsageError(Exception):
    """What was asked for cannot be done; one line."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Reads JSON logs with their older files, packed ones too, in the order in "
        "which they were written.",
        epilog="Lines that are no JSON object are passed over and told on standard error. NO_COLOR "
        "and FORCE_COLOR are heeded. Exit codes: 0 done, 2 bad options or no such log.",
    )
    add = parser.add_argument
    add(
        "logs",
        nargs="*",
        type=Path,
        default=[Path("logs")],
        metavar="LOG",
        help="a log, such as logs/kafka_consumer.log, a directory of them, or - for standard "
        "input; default: logs",
    )
    add("-f", "--follow", action="store_true", help="go on with lines as they come")
    add("-n", "--lines", type=_count, metavar="N", help="the last N only; with -f 10 unless told")
    add("--level", type=_level, default="DEBUG", metavar="LEVEL", help="the least level")
    for name, field in (("event", "event_type"), ("error", "error_type"), ("id", "message_id")):
        add(
            f"--{name}",
            action="append",
            default=[],
            metavar=name.upper(),
            help=f"lines with this {field}; may be given more than once",
        )
    add("--count", action="store_true", help="how many lines by event, error and level")
    add("--latency", action="store_true", help="percentiles of latency_ms, by event")
    add("--json", action="store_true", help="the lines as they are, for jq and the like")
    return parser


def _run(options: argparse.Namespace, logs: list[Path]) -> None:
    choice = Choice(options.level, options.event, options.error, options.id)
    write = _writer(as_json=options.json)
    if options.follow:
        followers = [Follower(Family(path, _tell), _tell) for path in logs]
        past = _merged([follower.past() for follower in followers], choice)
        for entry in deque(past, _LINES_BEFORE if options.lines is None else options.lines):
            write(entry)
        for entry in filter(choice.takes, follow(followers)):
            write(entry)
        return
    entries = _merged([_entries(path) for path in logs], choice)
    if options.count or options.latency:
        _summarise(entries, options)
        return
    for entry in entries if options.lines is None else deque(entries, options.lines):
        write(entry)


def _entries(path: Path) -> Iterator[Entry]:
    family = Family(path, _tell)
    if path == _STANDARD_INPUT:
        return family.read("standard input", sys.stdin.buffer)
    return family.entries()


def _merged(logs: list[Iterator[Entry]], choice: Choice) -> Iterator[Entry]:
    """The lines that are wanted, of several logs by time."""
    if len(logs) == 1:
        return filter(choice.takes, logs[0])
    return filter(choice.takes, heapq.merge(*logs, key=lambda entry: entry.timestamp))


def _summarise(entries: Iterator[Entry], options: argparse.Namespace) -> None:
    wanted: list[Counts | Latencies] = []
    wanted += [Counts()] if options.count else []
    wanted += [Latencies()] if options.latency else []
    for entry in entries:
        for table in wanted:
            table.add(entry)
    colours = has_colours(sys.stdout)
    lines = [line for table in wanted for line in table.table(has_colours=colours)]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _writer(*, as_json: bool) -> Callable[[Entry], None]:
    colours = has_colours(sys.stdout)

    def write(entry: Entry) -> None:
        """Prints a line at once, so that a pipe has it too."""
        text = entry.text if as_json else shown(entry, has_colours=colours)
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    # Lines are ASCII as our jobs write them; those of others may not fit the terminal's encoding.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return write


def _logs(given: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = sorted(path.glob("*.log"))
            if not inside:
                raise _UsageError(f"no log in {path}/; name the file, or the job's --log-dir")
            found += inside
        elif path == _STANDARD_INPUT or path.exists() or any(path.parent.glob(f"{path.name}.*")):
            found.append(path)
        else:
            raise _UsageError(f"no log {path}; name the file, or the job's --log-dir")
    return list(dict.fromkeys(found))


def _check(options: argparse.Namespace, logs: Sequence[Path]) -> None:
    if options.follow and (options.count or options.latency):
        raise _UsageError("-f goes on for ever, --count and --latency need an end; leave one out")
    if _STANDARD_INPUT in logs and (len(logs) > 1 or options.follow):
        raise _UsageError("- is read alone and to its end; leave out -f and other logs")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines")
    return int(text)


def _level(text: str) -> str:
    if text.upper() not in LEVELS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a level; use one of {', '.join(LEVELS)}")
    return text.upper()


def _tell(sentence: str) -> None:
    sys.stderr.write(f"{PROGRAM}: {sentence}\n")
