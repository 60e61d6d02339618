"""One parser for all commands: options in sections, errors in one line."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, get_type_hints

from stream_telemetry.options import Option, OwnOptions, heading_of, options_of
from stream_telemetry.values import masked
from telco_churn import __version__
from telco_churn.errors import SettingsError

SHELLS = ("bash", "zsh", "tcsh")
"""Those that `--completion` can write for."""


@dataclass(frozen=True)
class Command:
    """What a command says of itself in `--help`, and whether it reads the job's file."""

    prog: str
    description: str
    epilog: str = ""
    usage: str = "[options]"
    reads_config: bool = True


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, and guess what was meant."""

    def error(self, message: str) -> NoReturn:
        """Raises SettingsError instead of printing the usage and exiting."""
        raise SettingsError(f"{message}; --help lists the options")

    @property
    def option_strings(self) -> Iterable[str]:
        """All options as they are written."""
        return self._option_string_actions.keys()

    def parse_or_raise(self, arguments: Sequence[str]) -> argparse.Namespace:
        """The parsed arguments.

        Raises:
            SettingsError: an argument is unknown or malformed.
        """
        # Not parse_args, which offers no guess at what was meant.
        namespace, unknown = self.parse_known_args(list(arguments))
        if unknown:
            # What stands behind the name may be a secret.
            name = masked(unknown[0]).partition("=")[0]
            near = nearest(name, self.option_strings)
            guess = f"; did you mean {near}?" if near else ""
            self.error(f"unknown argument {name}{guess}")
        return namespace


def nearest(word: str, known: Iterable[str]) -> str | None:
    """What somebody who wrote `word` most likely meant; None if nothing comes near."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1)), None)


def sections_of(kind: type) -> dict[str, type]:
    """The sections that a command's settings are made of, by the name of the field."""
    return get_type_hints(kind)


def flags_of(kind: type) -> dict[str, bool]:
    """The flags of a command's options, and whether each takes a value."""
    return {
        option.flag: option.kind == "value"
        for section in sections_of(kind).values()
        for option in options_of(section)
        if option.kind != "word"
    }


def make_parser(kind: type, command: Command) -> OneLineParser:
    """A parser of the options of `kind`, a group for each section; all values are text."""
    parser = OneLineParser(
        prog=command.prog,
        usage=f"%(prog)s {command.usage}",
        description=command.description,
        epilog=command.epilog,
        # An abbreviation stops working when a new option begins with the same letters.
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument(
        "--completion",
        action=_Completion,
        choices=SHELLS,
        default=argparse.SUPPRESS,
        help="write what makes this shell complete the options, and exit: "
        f'eval "$({command.prog} --completion bash)"',
    )
    if command.reads_config:
        # Not an option of a section: it names the file, so it cannot be a key in it.
        parser.add_argument("--config", metavar="FILE", help="default: conf/churn_stream.toml")
    add_options(parser, kind)
    return parser


def add_options(parser: OneLineParser, kind: type) -> None:
    """Gives a parser the options of `kind`, a group for each section."""
    for section in sections_of(kind).values():
        group = parser.add_argument_group(heading_of(section))
        for option in options_of(section):
            _add(group, option, is_own=issubclass(section, OwnOptions))


class _Completion(argparse.Action):
    """Writes the completion of its parser for a shell, and exits."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        # Only here: no start needs it.
        import shtab

        offered = {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY}
        for action in parser._actions:
            if action.metavar in offered:
                action.complete = offered[action.metavar]  # type: ignore[attr-defined]
        sys.stdout.write(shtab.complete(parser, shell=str(values)))
        parser.exit()


def _add(group: argparse._ArgumentGroup, option: Option, *, is_own: bool) -> None:
    if option.kind == "word":
        group.add_argument(option.name, metavar=option.metavar, help=option.help)
    # Text, like the values from the file and the environment: one resolver parses them all.
    elif option.kind == "switch":
        group.add_argument(option.flag, action="store_const", const="on", help=option.help)
    elif option.kind == "choice":
        negative = option.flag.replace("--", "--no-", 1)
        group.add_argument(option.flag, action="store_const", const="on", help=option.help)
        group.add_argument(negative, action="store_const", const="off", dest=option.name)
    else:
        shown = f"{option.help} (default: {option.default})"
        if is_own and option.default == "":
            shown = option.help
        # A percent sign would be a placeholder of argparse's.
        group.add_argument(option.flag, metavar=option.metavar, help=shown.replace("%", "%%"))
