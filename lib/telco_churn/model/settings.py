"""The settings of the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stream_telemetry.options import OFF, option
from stream_telemetry.values import directory, or_off, positive


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Model."""

    model_path: Path = option(
        "models/churn", "a saved PipelineModel and its manifest", parse=directory, metavar="DIR"
    )
    watch_model: float | None = option(
        OFF,
        "seconds between two looks whether there is another model, which is then taken between two "
        "batches; a SIGHUP looks at once",
        parse=or_off(positive),
        metavar="SECONDS",
    )


@dataclass(frozen=True, kw_only=True)
class ShadowSettings:
    """Shadow."""

    shadow_model: Path | None = option(
        OFF,
        "a second model that scores each good record too; only metrics tell of it",
        parse=or_off(directory),
        metavar="DIR",
    )
