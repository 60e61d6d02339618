"""Where the value of a setting comes from: defaults, a TOML file, the environment, flags.

The later one wins. Paths in the file, as in the defaults, are relative to the project; the others,
to the working directory.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from stream_telemetry.options import OFF, Option, OwnOptions, options_of
from stream_telemetry.values import has_login, masked
from telco_churn.errors import SettingsError
from telco_churn.paths import of_project, project_home
from telco_churn.settings.flags import (
    Command,
    OneLineParser,
    flags_of,
    make_parser,
    nearest,
    sections_of,
)
from telco_churn.settings.job import Settings, job_options, shown
from telco_churn.settings.service_links import service_links, without_links
from telco_churn.settings.unknown_variables import unknown_variables

Kind = TypeVar("Kind")

JOB = Command(
    prog="churn_stream.py",
    description="Scores customer events from Kafka and writes predictions back.",
    epilog="Each option is also a key of the config file and an environment variable "
    "(CHURN_STREAM_…; --broker: KAFKA_BOOTSTRAP_SERVERS; --otlp-endpoint: "
    "OTEL_EXPORTER_OTLP_ENDPOINT). Flags win over the environment, the environment over the file. "
    "./spark-submit.sh hands all other options to spark-submit (--master, --conf ...); with "
    "--sandbox it tries the job on this machine (--sandbox --help); "
    "with --prepare it makes what the first start would make, and ends. Exit codes: 0 done, or "
    "stopped as asked; 2 settings; 3 model; 4 Kafka, or a topic of it; 5 the query failed; 6 Kafka "
    "has lost what comes next; 7 a record that Spark cannot pass; 128 and a signal's number: "
    "stopped by it before the query ran.",
)


def job_parser(program: str) -> OneLineParser:
    """The parser of the job's options, for a program of that name."""
    return make_parser(Settings, replace(JOB, prog=program))


def job_flags() -> dict[str, bool]:
    """The options on the job's command line, and whether a value follows each."""
    return {**flags_of(Settings), "--config": True}


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The job's settings; raises SettingsError like `read`."""
    return read(Settings, JOB, arguments, environment)


def read(
    kind: type[Kind], command: Command, arguments: Sequence[str], environment: Mapping[str, str]
) -> Kind:
    """The settings of a command.

    Args:
        kind: a dataclass whose fields are sections; those that are not `OwnOptions` are the job's,
            and have its file and its environment variables.
        command: what the command says of itself.
        arguments: of its command line.
        environment: environment variables.

    Raises:
        SettingsError: an option is unknown or malformed; names it and where its value comes from.
        SystemExit: with 0, after `--help` or `--version`.
    """
    flags = vars(make_parser(kind, command).parse_or_raise(arguments))
    config = None
    if command.reads_config:
        named = flags.pop("config") or environment.get("CHURN_STREAM_CONFIG")
        config = _read_file(Path(named) if named else _default_config())
    for name in service_links(environment):
        if name in job_variables():
            sys.stderr.write(
                f"{command.prog}: {name}={environment[name]} is passed over: Kubernetes sets it "
                "for a service of that name\n"
            )
    for line in unknown_variables(environment, job_variables()).values():
        sys.stderr.write(f"{command.prog}: {line}\n")
    sources = _Sources(flags, without_links(environment), config)
    return kind(**{name: sources.section(part) for name, part in sections_of(kind).items()})


def read_what_fits(
    kind: type[Kind], arguments: Sequence[str], environment: Mapping[str, str]
) -> Kind | None:
    """Some sections of the job's settings, where `read_settings` raises; None if these do too.

    Mistakes in other sections, and words and keys that nobody knows, are passed over.

    Args:
        kind: a dataclass whose fields are some of the sections of `Settings`.
        arguments: of the job's command line.
        environment: environment variables.
    """
    try:
        flags = vars(make_parser(Settings, JOB).parse_known_args(list(arguments))[0])
        named = flags["config"] or environment.get("CHURN_STREAM_CONFIG")
        path = Path(named) if named else _default_config()
        file = _File(path, {key: str(value) for key, value in _table(path).items()})
        sources = _Sources(flags, without_links(environment), file)
        return kind(**{name: sources.section(part) for name, part in sections_of(kind).items()})
    except SettingsError:
        return None


def described(settings: Settings) -> dict[str, str]:
    """Each of the job's settings as text, passwords masked."""
    values = settings.values()
    return {
        option.name: masked(text) if has_login(text) else text
        for option in job_options()
        for text in [shown(values[option.name])]
    }


def variable_of(option: Option) -> str:
    """The environment variable of one of the job's options."""
    return option.variable or f"CHURN_STREAM_{option.name.upper()}"


def job_variables() -> set[str]:
    """The environment variables of all of the job's options."""
    return {variable_of(option) for option in job_options()}


@dataclass(frozen=True)
class _File:
    path: Path
    values: Mapping[str, str]


@dataclass(frozen=True)
class _Sources:
    flags: Mapping[str, str | None]
    environment: Mapping[str, str]
    file: _File | None

    def section(self, kind: type) -> Any:
        """The section with its options; raises SettingsError for one that cannot be used."""
        is_own = issubclass(kind, OwnOptions)
        values = {option.name: self._value(option, is_own=is_own) for option in options_of(kind)}
        try:
            return kind(**values)
        except ValueError as error:
            raise SettingsError(str(error)) from error

    def _value(self, option: Option, *, is_own: bool) -> Any:
        given = self._given(option, is_own=is_own)
        value = _anchored(option, given.text) if given.is_ours else given.text
        try:
            _refuse_login(option, given)
            return option.parse(value)
        except ValueError as error:
            seen = masked(value) if _may_be_seen(option, given.text) else "***"
            raise SettingsError(f"{given.origin}: {seen!r} {error}") from error

    def _given(self, option: Option, *, is_own: bool) -> _Given:
        """The text that counts."""
        name = option.metavar if option.kind == "word" else option.flag
        if (flag := self.flags.get(option.name)) is not None:
            return _Given(flag, name, is_typed=True)
        if not is_own and (said := self.environment.get(variable_of(option))):
            return _Given(said, f"${variable_of(option)}")
        if not is_own and self.file and option.name in self.file.values:
            origin = f"{self.file.path}: {option.name}"
            return _Given(self.file.values[option.name], origin, is_ours=True)
        return _Given(option.default, f"default of {name}", is_ours=not is_own)


class _Given(NamedTuple):
    """A text, where it comes from, whether from a command line, or from the project's files."""

    text: str
    origin: str
    is_typed: bool = False
    is_ours: bool = False


def _refuse_login(option: Option, given: _Given) -> None:
    """Raises ValueError for a URL's password where others would read it."""
    if not has_login(given.text):
        return
    if option.metavar != "URL":
        raise ValueError("holds a password, which pages and logs would show; leave it out")
    if given.is_typed:
        raise ValueError(
            "holds a password, which everybody on this machine can read on a command line; set "
            f"${variable_of(option)}, or name a file with the login"
        )


def _may_be_seen(option: Option, text: str) -> bool:
    """Whether a text that cannot be used may be shown.

    In the place of a file with a secret somebody may have written the secret itself.
    """
    is_path = re.match(r"\.{0,2}/[\w.-]+/", text) is not None
    return is_path or not option.is_secret or Path(text).exists()


def _default_config() -> Path:
    return project_home() / "conf" / "churn_stream.toml"


def _anchored(option: Option, text: str) -> str:
    """A path from the project's own files, made absolute; a URI or an absolute path stays."""
    # Neither `off` nor `-`, standard output, is a path.
    if not option.is_path or text in (OFF, "-") or re.match(r"[a-zA-Z][\w+.-]*:", text):
        return text
    return str(of_project(text))


def _read_file(path: Path) -> _File:
    """The settings in a TOML file, as text."""
    table = _table(path)
    names = [option.name for option in job_options()]
    for key, value in table.items():
        if key not in names:
            near = nearest(key, names)
            guess = f"did you mean {near}" if near else f"known are {', '.join(names)}"
            raise SettingsError(f"config {path}: unknown key {key!r}; {guess}?")
        # To Python a bool is an int, but no option takes one: its text is on or off.
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise SettingsError(f"config {path}: {key} must be text or a whole number")
    return _File(path, {key: str(value) for key, value in table.items()})


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"config {path} cannot be read: {error}") from error
