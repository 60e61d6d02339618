"""The settings of the model."""

from __future__ import annotations

from dataclasses import dataclass

from stream_telemetry.options import OFF, option
from stream_telemetry.values import or_off, positive
from telco_churn.model.trust.model_place import ModelPlace, RemotePlace, model_place


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Model."""

    model_path: ModelPlace = option(
        "models/churn",
        "a saved PipelineModel and its manifest: directory, or URI of a file system of Hadoop",
        parse=model_place,
        metavar="DIR",
    )
    watch_model: float | None = option(
        OFF,
        "seconds between two looks whether there is another model, which is then taken between two "
        "batches; a SIGHUP looks at once",
        parse=or_off(positive),
        metavar="SECONDS",
    )

    def __post_init__(self) -> None:
        """Raises ValueError for a watch over what may take minutes to answer."""
        if self.watch_model is not None and isinstance(self.model_path, RemotePlace):
            raise ValueError(
                f"--watch-model looks at directories of this machine, and --model-path is "
                f"{self.model_path}; leave --watch-model off, and send SIGHUP when another model "
                "is there"
            )


@dataclass(frozen=True, kw_only=True)
class ShadowSettings:
    """Shadow."""

    shadow_model: ModelPlace | None = option(
        OFF,
        "a second model that scores each good record too; only metrics tell of it",
        parse=or_off(model_place),
        metavar="DIR",
    )
