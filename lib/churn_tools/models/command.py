"""The command line of `jobs/model.py`: list, adopt, use, rollback, describe."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from churn_tools.batch_session import batch_session
from churn_tools.model_card.card_page import write_card
from churn_tools.models.adoption import Adoption, adopt
from churn_tools.models.fetching import check
from churn_tools.models.settings import (
    IN_USE,
    AdoptOptions,
    DescribeOptions,
    ListOptions,
    UseOptions,
)
from churn_tools.models.version_store import Store, Version
from churn_tools.training.classifiers import NAMES
from churn_tools.training.report import report
from telco_churn import __version__
from telco_churn.errors import SettingsError
from telco_churn.record.kind import read_kind
from telco_churn.settings.flags import Command, nearest
from telco_churn.settings.resolve import read


def main(arguments: Sequence[str]) -> None:
    """Does what the first word says, and tells of it on standard output.

    Raises:
        SettingsError: a word or an option is unknown, or names what is not there.
        ModelError: a model cannot be used.
        KafkaUnavailableError: a topic of customers cannot be read.
    """
    wanted = next(iter(arguments), "--help")
    if wanted in ("--help", "-h"):
        sys.stdout.write(_help())
    elif wanted == "--version":
        sys.stdout.write(f"model.py {__version__}\n")
    elif wanted not in ACTIONS:
        near = nearest(wanted, ACTIONS)
        guess = f"; did you mean {near}?" if near else ""
        raise SettingsError(f"no command {wanted!r}{guess}; there are {', '.join(ACTIONS)}")
    else:
        ACTIONS[wanted][1](arguments[1:])


def _list(arguments: Sequence[str]) -> None:
    options = read(ListOptions, _command("list"), arguments, os.environ)
    store = options.store.of(options.model)
    rows = [("", "version", "classifier", "AUC", "created"), *map(_row, store.versions())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    for path in store.damaged():
        sys.stderr.write(f"model.py: {path} is passed over: its manifest cannot be read\n")


def _row(version: Version) -> tuple[str, ...]:
    manifest = version.manifest
    classifier = manifest.classifier or "unknown"
    return (
        "*" if version.is_in_use else "",
        manifest.version,
        NAMES.get(classifier, classifier),
        f"{manifest.evaluation.auc:.4f}" if manifest.evaluation else "",
        manifest.created,
    )


def _adopt(arguments: Sequence[str]) -> None:
    options = read(AdoptOptions, _command("adopt", "PATH [options]"), arguments, os.environ)
    adopting = options.adopting
    store = options.store.of(options.model)
    if adopting.model_version:
        store.check_new(adopting.model_version)
    check(adopting.path)
    kind = read_kind(options.contract.contract)
    if adopting.judge:
        adopting.judge.check(kind)
    wanted = Adoption(
        adopting.path,
        kind,
        adopting.model_version,
        adopting.judge,
        options.kafka,
        adopting.threshold,
    )
    with batch_session("model") as spark:
        manifest = adopt(spark, wanted, store)
    sys.stdout.write(
        f"{report(manifest)}kept as {store.directory / manifest.version}; "
        f"put it to use by: model.py use {manifest.version}\n"
    )


def _use(arguments: Sequence[str]) -> None:
    options = read(UseOptions, _command("use", "VERSION [options]"), arguments, os.environ)
    store = options.store.of(options.model)
    _tell_in_use(store, store.use(options.version.version).version)


def _rollback(arguments: Sequence[str]) -> None:
    options = read(ListOptions, _command("rollback"), arguments, os.environ)
    store = options.store.of(options.model)
    _tell_in_use(store, store.rollback().version)


def _tell_in_use(store: Store, version: str) -> None:
    sys.stdout.write(f"{store.in_use} is now version {version}\n")


def _describe(arguments: Sequence[str]) -> None:
    command = _command("describe", "VERSION [options]")
    options = read(DescribeOptions, command, arguments, os.environ)
    store = options.store.of(options.model)
    name, card = options.version.version, options.version.card
    found = next((v for v in store.versions() if v.is_in_use and name == IN_USE), None)
    version = found or store.find(name)
    sys.stdout.write(report(version.manifest) + f"in {version.path}\n")
    if card:
        sys.stdout.write(f"card: {write_card(version.manifest, card)}\n")


ACTIONS: Mapping[str, tuple[str, Callable[[Sequence[str]], None]]] = {
    "list": ("the versions, and which one the job reads", _list),
    "adopt": ("take over a fitted PipelineModel: try it, judge it, keep it", _adopt),
    "use": ("let the job read a version", _use),
    "rollback": ("let the job read the version before", _rollback),
    "describe": ("the figures of a version, and its card", _describe),
}
"""What each command does, by its word."""


def _command(action: str, usage: str = "[options]") -> Command:
    does = ACTIONS[action][0]
    return Command(
        prog=f"model.py {action}", description=f"{does[0].upper()}{does[1:]}.", usage=usage
    )


def _help() -> str:
    width = max(map(len, ACTIONS))
    lines = [f"  {action:{width}}  {does}" for action, (does, _) in ACTIONS.items()]
    return "\n".join(
        ["usage: model.py COMMAND [options]", "", *lines, "", "COMMAND --help tells more.", ""]
    )
