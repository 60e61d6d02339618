"""Saves a model so that its directory always holds a whole one."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from pyspark.ml import PipelineModel

from stream_telemetry.run.causes import SPARK_ERRORS, root_cause
from telco_churn.errors import SettingsError
from telco_churn.model.manifest import MANIFEST_NAME, Manifest, write_manifest
from telco_churn.model.verification import PIPELINE_NAME, digests


def check_target(target: Path) -> None:
    """Makes sure that a model may be written to `target`.

    Raises:
        SettingsError: the directory cannot be read, or holds something that is not a model.
    """
    try:
        is_model = (target / MANIFEST_NAME).is_file()
        is_free = not target.exists() or (target.is_dir() and not any(target.iterdir()))
    except OSError as error:
        raise SettingsError(f"cannot use --out {target}: {error.strerror}") from error
    if target.is_mount():
        # A model is put in place by renaming its directory, which a mount point refuses.
        raise SettingsError(
            f"--out {target} is a mount point, which cannot be replaced as a whole; "
            f"name a directory in it, such as {target / 'churn'}"
        )
    if not is_model and not is_free:
        raise SettingsError(
            f"--out {target} exists and is not a model's directory; "
            "give another, or remove it if nobody needs it"
        )


def save_model(pipeline: PipelineModel, manifest: Manifest, target: Path) -> None:
    """Writes the pipeline and its manifest, with the digests of all files, to `target`.

    They are written beside it first, and take its place when they are whole.

    Raises:
        SettingsError: see `check_target`, or the disk refuses.
    """
    check_target(target)
    staging, replaced = _beside(target), _beside(target)
    try:
        staging.mkdir(parents=True)
        pipeline.write().save(f"file://{staging.resolve() / PIPELINE_NAME}")
        _drop_hadoop_files(staging)
        write_manifest(staging, replace(manifest, files=digests(staging)))
        if target.exists():
            target.rename(replaced)
        staging.rename(target)
        shutil.rmtree(replaced, ignore_errors=True)
    except (OSError, *SPARK_ERRORS) as error:
        raise SettingsError(
            f"cannot write the model to {target}: {root_cause(error)}; try another --out"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}-{uuid4().hex}")


def _drop_hadoop_files(directory: Path) -> None:
    # Checksums and success markers serve Hadoop's own checks; the manifest does more than both.
    for pattern in ("*.crc", "_SUCCESS"):
        for path in directory.rglob(pattern):
            path.unlink()
