"""Reads settings from defaults, a TOML file, the environment and flags; the later one wins."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from telco_churn.errors import SettingsError
from telco_churn.paths import project_home

Parse = Callable[[str], Any]

OFF = "off"
"""Says that something is not wanted, where a setting takes that."""
PATHS = ("DIR", "FILE")
"""What the settings that are paths are called in `--help`."""


def option(
    default: str, help_text: str, *, parse: Parse = str, env: str = "", metavar: str = "TEXT"
) -> Any:
    """A dataclass field that is a setting; `default` is written as a user would write it."""
    metadata = {"help": help_text, "parse": parse, "env": env, "text": default, "metavar": metavar}
    return dataclasses.field(metadata=metadata)


def flag_of(field: dataclasses.Field[Any]) -> str:
    """The command-line flag of a setting."""
    return "--" + field.name.replace("_", "-")


def env_of(field: dataclasses.Field[Any]) -> str:
    """The environment variable of a setting."""
    return str(field.metadata["env"]) or f"CHURN_STREAM_{field.name.upper()}"


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, and guess what was meant."""

    def error(self, message: str) -> NoReturn:
        """Raises SettingsError instead of printing the usage and exiting."""
        raise SettingsError(f"{message}; --help lists the options")

    def parse_or_raise(self, arguments: Sequence[str]) -> argparse.Namespace:
        """The parsed arguments.

        Raises:
            SettingsError: an argument is unknown or malformed.
        """
        namespace, unknown = self.parse_known_args(list(arguments))
        if unknown:
            known = [flag for action in self._actions for flag in action.option_strings]
            near = difflib.get_close_matches(unknown[0].partition("=")[0], known, n=1)
            self.error(
                f"unknown argument {unknown[0]}" + (f"; did you mean {near[0]}?" if near else "")
            )
        return namespace


def read_file(path: Path, names: Sequence[str]) -> dict[str, str]:
    """The settings in a TOML file, as text.

    Raises:
        SettingsError: the file cannot be read, is not TOML, or names an unknown setting.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"config {path} cannot be read: {error}") from error
    for key, value in table.items():
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            guess = f"did you mean {near[0]}" if near else f"known are {', '.join(names)}"
            raise SettingsError(f"config {path}: unknown key {key!r}; {guess}?")
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise SettingsError(f"config {path}: {key} must be text or a whole number")
    return {key: str(value) for key, value in table.items()}


def masked(text: str) -> str:
    """`text` without the login of a URL in it, with or without its scheme."""
    return re.sub(r"(//|^[^/:]*:(?!//)).*@", r"\1***@", text)


def anchored(directory: Path, value: str) -> str:
    """A path from the project's own files, made absolute; a URI or an absolute path stays."""
    return value if "://" in value else str(directory / value)


def resolve(
    fields: Sequence[dataclasses.Field[Any]],
    flags: Mapping[str, str | None],
    environment: Mapping[str, str],
    config: Path,
) -> dict[str, Any]:
    """The value of each field.

    Args:
        fields: made by `option`.
        flags: what the command line says, None where it says nothing.
        environment: environment variables.
        config: the TOML file. Paths in it, as in the defaults, are relative to the project; the
            others, to the working directory.

    Raises:
        SettingsError: a value is malformed; names the setting and where the value comes from.
    """
    from_file = read_file(config, [field.name for field in fields])
    values = {}
    for field in fields:
        flag = flags.get(field.name)
        if flag is not None:
            text, origin = flag, flag_of(field)
        elif environment.get(env_of(field)):
            text, origin = environment[env_of(field)], f"${env_of(field)}"
        else:
            in_file = field.name in from_file
            text = from_file.get(field.name, field.metadata["text"])
            origin = f"{config}: {field.name}" if in_file else f"default of {flag_of(field)}"
            if field.metadata["metavar"] in PATHS and text != OFF:
                text = anchored(project_home(), text)
        values[field.name] = _parsed(field, text, origin)
    return values


def _parsed(field: dataclasses.Field[Any], text: str, origin: str) -> Any:
    try:
        return field.metadata["parse"](text)
    except SettingsError as error:
        raise SettingsError(f"{origin}: {error}") from error
    except ValueError as error:
        raise SettingsError(f"{origin}: {masked(text)!r} {error}") from error
