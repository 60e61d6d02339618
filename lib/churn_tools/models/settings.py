"""The settings of `jobs/model.py`, by command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from churn_tools.models.judge_data import JudgeData
from churn_tools.models.version_store import Store, version_name
from stream_telemetry.options import OFF, OwnOptions, option, word
from stream_telemetry.values import directory, or_off, share, text
from telco_churn.contract.settings import ContractSettings
from telco_churn.errors import SettingsError
from telco_churn.model.settings import ModelSettings
from telco_churn.query.settings import BrokerSettings

IN_USE = "in-use"
"""Stands for the version that the job reads."""


@dataclass(frozen=True, kw_only=True)
class StoreSettings(OwnOptions):
    """Store."""

    store: Path | None = option(
        OFF,
        "directory with all versions; off is versions beside --model-path",
        parse=or_off(directory),
        metavar="DIR",
    )

    def of(self, model: ModelSettings) -> Store:
        """The store, with the directory that the job reads.

        Raises:
            SettingsError: that is not on this machine.
        """
        if not isinstance(model.model_path, Path):
            raise SettingsError(
                f"--model-path {model.model_path} is not a directory of this machine, where "
                "versions are kept; name one here, and copy it to its place then (hadoop fs -put)"
            )
        beside = model.model_path.parent / "versions"
        return Store(self.store or beside, model.model_path)


@dataclass(frozen=True, kw_only=True)
class AdoptSettings(OwnOptions):
    """Adopting."""

    path: str = word(
        "a saved PipelineModel: directory, URI, or models:/name@alias of MLflow",
        parse=text,
        metavar="PATH",
    )
    judge: JudgeData | None = option(
        OFF,
        "rows to judge it on: a CSV file with the contract's fields, or a topic of events; "
        "with labels its accuracy is measured and its threshold chosen",
        parse=or_off(JudgeData.parse),
        metavar="CSV|TOPIC",
    )
    threshold: float | None = option(
        OFF,
        "probability from which on the prediction is Yes; off chooses it by the labels",
        parse=or_off(share),
        metavar="SHARE",
    )
    model_version: str = option(
        "",
        "the model's name in predictions (default: the time, in UTC)",
        parse=lambda name: version_name(name) if name else "",
        metavar="NAME",
    )


@dataclass(frozen=True, kw_only=True)
class UseSettings(OwnOptions):
    """Version."""

    version: str = word("one of those that `list` shows", parse=text, metavar="VERSION")


@dataclass(frozen=True, kw_only=True)
class DescribeSettings(OwnOptions):
    """Version."""

    version: str = word(
        f"one of those that `list` shows, or {IN_USE}", parse=text, metavar="VERSION"
    )
    card: Path | None = option(
        OFF,
        "also write the model card here: MODEL.md and its plots",
        parse=or_off(directory),
        metavar="DIR",
    )


@dataclass(frozen=True, kw_only=True)
class ListOptions:
    """The settings of `list` and `rollback`."""

    store: StoreSettings
    model: ModelSettings


@dataclass(frozen=True, kw_only=True)
class AdoptOptions:
    """The settings of `adopt`."""

    adopting: AdoptSettings
    store: StoreSettings
    contract: ContractSettings
    model: ModelSettings
    kafka: BrokerSettings


@dataclass(frozen=True, kw_only=True)
class UseOptions:
    """The settings of `use`."""

    version: UseSettings
    store: StoreSettings
    model: ModelSettings


@dataclass(frozen=True, kw_only=True)
class DescribeOptions:
    """The settings of `describe`."""

    version: DescribeSettings
    store: StoreSettings
    model: ModelSettings
