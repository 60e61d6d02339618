"""The settings of the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stream_telemetry.options import option
from stream_telemetry.values import directory


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Model."""

    model_path: Path = option(
        "models/churn", "a saved PipelineModel and its manifest", parse=directory, metavar="DIR"
    )
