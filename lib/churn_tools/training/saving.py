"""Saves a model so that its directory always holds a whole one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from pyspark.ml import PipelineModel

from stream_telemetry.run.causes import SPARK_ERRORS, root_cause
from telco_churn.errors import ModelError, SettingsError
from telco_churn.model.manifest import (
    MANIFEST_NAME,
    PIPELINE_NAME,
    Manifest,
    read_manifest,
    write_manifest,
)
from telco_churn.model.verification import digests, strays


def check_target(target: Path) -> None:
    """Makes sure that a model may be written to `target`; a mount point is as good as any other.

    Raises:
        SettingsError: the directory cannot be written, or holds something that is not a model.
    """
    nearest = next(path for path in (target, *target.parents) if os.path.lexists(path))
    try:
        found = strays(target) if nearest == target else []
        trial = nearest / _new_name()
        trial.mkdir()
        trial.rmdir()
    except OSError as error:
        raise SettingsError(f"cannot write a model to {target}: {error.strerror}") from error
    if found:
        raise SettingsError(
            f"{target} is not a model's directory: it holds {found[0]}; "
            "give another, or remove that if nobody needs it"
        )


def save_model(pipeline: PipelineModel, manifest: Manifest, target: Path) -> Manifest:
    """Writes a fitted pipeline and its manifest to `target`; see `put_model`."""
    return put_model(lambda place: pipeline.write().save(f"file://{place}"), manifest, target)


def put_model(write: Callable[[Path], object], manifest: Manifest, target: Path) -> Manifest:
    """Writes a pipeline and its manifest to `target`; gives the manifest as it was written.

    Args:
        write: writes the pipeline's files into a directory that is not there yet.
        manifest: lacks only the files, and what their directory is called.
        target: the model's directory.

    The manifest comes last, replaces the one before, and names the pipeline. So a reader
    finds the old model or the new one, and the directory itself is never moved.

    Raises:
        SettingsError: see `check_target`, or the disk refuses.
    """
    check_target(target)
    replaced = _pipeline_in(target)
    name = _new_name()
    try:
        target.mkdir(parents=True, exist_ok=True)
        write(target.resolve() / name)
        _drop_hadoop_files(target / name)
        written = replace(manifest, pipeline=name, files=digests(target, name))
        # Beside the stages, or a reader would come upon a file that has no place in a model.
        write_manifest(target / name, written)
        (target / name / MANIFEST_NAME).replace(target / MANIFEST_NAME)
    except (OSError, *SPARK_ERRORS) as error:
        raise SettingsError(
            f"cannot write the model to {target}: {root_cause(error)}; try another directory"
        ) from error
    finally:
        useless = replaced if _pipeline_in(target) == name else name
        if useless is not None:
            shutil.rmtree(target / useless, ignore_errors=True)
    return written


def _new_name() -> str:
    return f"{PIPELINE_NAME}-{uuid4().hex}"


def _pipeline_in(target: Path) -> str | None:
    """The pipeline that the manifest names, which alone makes it a part of the model."""
    try:
        return read_manifest(target).pipeline
    except ModelError:
        return None


def _drop_hadoop_files(directory: Path) -> None:
    # Checksums and success markers serve Hadoop's own checks; the manifest does more than both.
    for pattern in ("*.crc", "_SUCCESS"):
        for path in directory.rglob(pattern):
            path.unlink()
