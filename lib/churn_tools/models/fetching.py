"""Where a model comes from: a path, a URI of any of Hadoop's file systems, or MLflow's registry."""

from __future__ import annotations

import json
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from stream_telemetry.run.causes import SPARK_ERRORS, root_cause
from stream_telemetry.values import masked
from telco_churn.errors import ModelError, SettingsError
from telco_churn.model.manifest import MANIFEST_NAME, Manifest, read_manifest
from telco_churn.model.trust.model_place import local_path
from telco_churn.model.verification import verify_files

_MLFLOW = ("models:/", "runs:/", "mlflow-artifacts:/")
_URI = re.compile(r"[a-zA-Z][\w+.-]*:")
_TUNED = ("CrossValidatorModel", "TrainValidationSplitModel")


def check(location: str) -> None:
    """Looks at what can be known of it before anything is started.

    Raises:
        ModelError: it is a path, and nothing is there.
        SettingsError: it is in MLflow, whose client is not installed.
    """
    if location.startswith(_MLFLOW):
        if find_spec("mlflow") is None:
            raise SettingsError(
                f"{location} needs MLflow's client, which is not installed: pip install "
                "--require-hashes -r requirements-mlflow.lock"
            )
    elif not _URI.match(location) and not Path(location).is_dir():
        raise ModelError(f"{location} is not a directory; name one that a PipelineModel is in")


def shown(location: str) -> str:
    """The location without a login in it; the @ of an alias is none."""
    return masked(location) if "://" in location else location


def fetch(location: str, scratch: Path) -> Path:
    """A directory of this machine with what is at `location`; a copy, unless that is a path.

    Args:
        location: a path, a URI, or `models:/name@alias`; the servers of MLflow are those of its own
            variable `MLFLOW_TRACKING_URI`. A URI needs a Spark session.
        scratch: an empty directory for the copy.

    Raises:
        ModelError: nothing is there, or it cannot be read.
        SettingsError: MLflow is not installed.
    """
    check(location)
    if location.startswith(_MLFLOW):
        return _from_mlflow(location, scratch)
    if _URI.match(location):
        return _from_hadoop(location, scratch / "model")
    return Path(location)


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


def _from_hadoop(location: str, target: Path) -> Path:
    context = SparkSession.active().sparkContext
    jvm: Any = context._jvm
    conf = context._jsc.hadoopConfiguration()
    try:
        source = jvm.org.apache.hadoop.fs.Path(_as_hadoop_reads(location))
        files = source.getFileSystem(conf)
        # Into a file of Java, not of Hadoop, which would add a checksum beside each.
        jvm.org.apache.hadoop.fs.FileUtil.copy(
            files, source, jvm.java.io.File(str(target)), False, conf
        )
    except SPARK_ERRORS as error:
        shutil.rmtree(target, ignore_errors=True)
        raise ModelError(f"cannot read {shown(location)}: {root_cause(error)}") from error
    return target


def _as_hadoop_reads(uri: str) -> str:
    """The same place in the words of Hadoop, which takes `%20` for three letters."""
    if not uri.lower().startswith("file:/"):
        return uri
    try:
        return f"file://{local_path(uri)}"
    except ValueError as error:
        raise ModelError(f"{uri} {error}") from error


def _is_tuned(directory: Path) -> bool:
    for part in directory.glob("metadata/part-*"):
        try:
            name = str(json.loads(part.read_bytes().splitlines()[0])["class"])
        except (ValueError, LookupError, TypeError):
            continue
        return name.rpartition(".")[2] in _TUNED
    return False
