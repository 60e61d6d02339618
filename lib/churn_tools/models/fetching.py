"""Where a model comes from: a path, a URI of any of Hadoop's file systems, or MLflow's registry."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

from stream_telemetry.run.causes import root_cause
from stream_telemetry.values import masked
from telco_churn.errors import ModelError, SettingsError
from telco_churn.model.manifest import MANIFEST_NAME, Manifest, read_manifest
from telco_churn.model.trust.model_place import ModelPlace, model_place
from telco_churn.model.verification import verify_files

_MLFLOW = ("models:/", "runs:/", "mlflow-artifacts:/")
_TUNED = ("CrossValidatorModel", "TrainValidationSplitModel")


def check(location: str) -> None:
    """Looks at what can be known of it before anything is started.

    Raises:
        ModelError: it is on this machine, and nothing is there.
        SettingsError: it is in MLflow, whose client is not installed, or no URI that means a place.
    """
    if location.startswith(_MLFLOW):
        if find_spec("mlflow") is None:
            raise SettingsError(
                f"{location} needs MLflow's client, which is not installed: pip install "
                "--require-hashes -r requirements-mlflow.lock"
            )
        return
    place = _place(location)
    if isinstance(place, Path) and not place.is_dir():
        raise ModelError(f"{location} is not a directory; name one that a PipelineModel is in")


def shown(location: str) -> str:
    """The location without a login in it; the @ of an alias is none."""
    return masked(location) if "://" in location else location


def fetch(location: str, scratch: Path) -> ModelPlace:
    """Where the files of `location` can be read; for a model of MLflow, a copy.

    Args:
        location: a path, a URI, or `models:/name@alias`; the servers of MLflow are those of its own
            variable `MLFLOW_TRACKING_URI`.
        scratch: an empty directory for the copy.

    Raises:
        ModelError: nothing is there, or MLflow does not give it.
        SettingsError: like `check`.
    """
    check(location)
    if location.startswith(_MLFLOW):
        return _from_mlflow(location, scratch)
    return _place(location)


def manifest_in(directory: Path) -> Manifest | None:
    """The manifest of a model that this project has saved; None for a pipeline alone.

    Raises:
        ModelError: the files are not those of the manifest.
    """
    if not (directory / MANIFEST_NAME).exists():
        return None
    manifest = read_manifest(directory)
    verify_files(directory, manifest)
    return manifest


def pipeline_in(directory: Path) -> Path:
    """The saved pipeline in a directory of this project, of MLflow, of Spark's tuning, or as is."""
    if (directory / MANIFEST_NAME).exists():
        return directory / read_manifest(directory).pipeline
    if (directory / "MLmodel").exists():
        return directory / "sparkml"
    return directory / "bestModel" if _is_tuned(directory) else directory


def _from_mlflow(location: str, scratch: Path) -> Path:
    import mlflow

    try:
        return Path(mlflow.artifacts.download_artifacts(location, dst_path=str(scratch)))
    # It raises whatever its server, its store and their clients raise.
    except Exception as error:
        raise ModelError(f"MLflow does not give {shown(location)}: {root_cause(error)}") from error


def _place(location: str) -> ModelPlace:
    try:
        return model_place(location)
    except ValueError as error:
        raise SettingsError(f"{location} {error}") from error


def _is_tuned(directory: Path) -> bool:
    for part in directory.glob("metadata/part-*"):
        try:
            name = str(json.loads(part.read_bytes().splitlines()[0])["class"])
        except (ValueError, LookupError, TypeError):
            continue
        return name.rpartition(".")[2] in _TUNED
    return False
