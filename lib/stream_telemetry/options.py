"""How a package declares its settings: a frozen dataclass, a section, whose fields are options.

    @dataclass(frozen=True, kw_only=True)
    class RetrySettings:
        \"\"\"Retries.\"\"\"

        max_restarts: int = option("5", "restarts before the job gives up", parse=count())

The first line of the docstring is the heading above the options in `--help`. A section checks what
its options must be together in `__post_init__`, by raising ValueError. Nothing here reads a command
line: a program that wants options for a section makes them from `options_of`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

Parse = Callable[[str], Any]

OFF = "off"
"""Turns an option off, where it allows that."""


@dataclass(frozen=True)
class Option:
    """What is known of an option besides its value.

    Attributes:
        name: of the field; the flag, the key in a file and the variable follow from it.
        help: what it means, for `--help`.
        default: as a user would write it.
        parse: makes the value from text; raises ValueError with what is wrong with the text.
        metavar: what stands for the value in `--help`; DIR and FILE mark paths.
        variable: environment variable, where it is not the one that follows from the name.
        kind: `value` takes one; a `switch` is there or not; a `choice` is `--x` or `--no-x`; a
            `word` is given without a flag.
        is_secret: whether the value names a file with a secret: what somebody has put there
            instead may be the secret itself, and is not to be shown.
    """

    name: str
    help: str
    default: str
    parse: Parse
    metavar: str
    variable: str = ""
    kind: Literal["value", "switch", "choice", "word"] = "value"
    is_secret: bool = False

    @property
    def flag(self) -> str:
        """The command-line flag."""
        return "--" + self.name.replace("_", "-")

    @property
    def is_path(self) -> bool:
        """Whether a relative value depends on the directory."""
        return self.metavar in ("DIR", "FILE")


class OwnOptions:
    """Base of sections that one command has for itself: neither file nor environment sets them."""


def option(
    default: str,
    help_text: str,
    *,
    parse: Parse = str,
    variable: str = "",
    metavar: str = "TEXT",
    is_secret: bool = False,
) -> Any:
    """A field that is an option with a value; `default` is written as a user would write it."""
    return _field(
        default, help_text, parse, metavar=metavar, variable=variable, is_secret=is_secret
    )


def switch(help_text: str, *, default: bool = False) -> Any:
    """A field that is True where `--name` is given; with the default True, `--no-name` is off."""
    kind = "choice" if default else "switch"
    return _field("on" if default else OFF, help_text, lambda text: text == "on", kind=kind)


def word(help_text: str, *, parse: Parse, metavar: str) -> Any:
    """A field that is given as a word of its own, without a flag; it has no default."""
    return _field("", help_text, parse, metavar=metavar, kind="word")


def options_of(section: type) -> Iterator[Option]:
    """The options of a section, in the order in which it declares them."""
    for field in dataclasses.fields(section):
        yield Option(name=field.name, **field.metadata)


def heading_of(section: type) -> str:
    """What stands above the section's options in `--help`."""
    return (section.__doc__ or "").strip().splitlines()[0].rstrip(".")


def _field(
    default: str,
    help_text: str,
    parse: Parse,
    *,
    metavar: str = "",
    variable: str = "",
    kind: str = "value",
    is_secret: bool = False,
) -> Any:
    metadata = {
        "help": help_text,
        "default": default,
        "parse": parse,
        "metavar": metavar,
        "variable": variable,
        "kind": kind,
        "is_secret": is_secret,
    }
    if kind == "word":
        return dataclasses.field(metadata=metadata)
    # The default goes through the same parser as a user's text, so both have the same type.
    return dataclasses.field(default_factory=lambda: parse(default), metadata=metadata)
