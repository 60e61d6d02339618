"""What may lie in a model's directory, checked before Spark loads any of it.

Loading runs the class that a file names (Spark's "ML security" guide), so a model is treated like
code: every file is the one that the manifest lists, and every class is on a short list. It is asked
of a copy that nobody else can change (`trust/private_copy.py`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from telco_churn.errors import ModelError
from telco_churn.model.manifest import HOW_TO_MEND, MANIFEST_NAME, PIPELINE_NAME, Manifest
from telco_churn.model.trust.plain_files import Entry, NotPlainError, open_plain, read_plain

MOST_METADATA_BYTES = 2**20
"""Of a stage's settings, which are read as one JSON document."""

# Only classes that compute with numbers and strings: no SQLTransformer, whose SQL can call any Java
# method, and nothing that is written in Python, for which Spark imports the module.
ALLOWED_CLASSES = frozenset(
    f"org.apache.spark.ml.{name}"
    for name in (
        "PipelineModel",
        "feature.StringIndexerModel",
        "feature.OneHotEncoderModel",
        "feature.ImputerModel",
        "feature.Bucketizer",
        "feature.StandardScalerModel",
        "feature.MinMaxScalerModel",
        "feature.MaxAbsScalerModel",
        "feature.RobustScalerModel",
        "feature.VectorAssembler",
        "classification.LogisticRegressionModel",
        "classification.DecisionTreeClassificationModel",
        "classification.RandomForestClassificationModel",
        "classification.GBTClassificationModel",
        "classification.NaiveBayesModel",
    )
)
"""Names of the Java classes of stages that a model may have."""

# A stage's UID is part of its directory's name; anything else could lead out of the model.
_UID = re.compile(r"\w+", re.ASCII)
_PIPELINE = re.compile(rf"{PIPELINE_NAME}(-[0-9a-f]+)?")


def is_plain_name(uid: str) -> bool:
    """Whether a stage's UID can be part of a directory's name, and of nothing else."""
    return _UID.fullmatch(uid) is not None


def digests(path: Path, pipeline: str) -> dict[str, str]:
    """SHA-256 of each file of `pipeline`, by its path relative to the model's directory `path`."""
    names = sorted(_names(path / pipeline))
    return {f"{pipeline}/{name}": _sha256(path / pipeline / name) for name in names}


def strays(path: Path) -> list[str]:
    """What lies in the model's directory `path` and has no place in a model; sorted.

    Raises:
        OSError: the directory cannot be read.
    """
    with os.scandir(path) as entries:
        return sorted(
            entry.name
            for entry in entries
            if entry.name != MANIFEST_NAME and not _has_a_place(entry)
        )


def is_looked_at(entry: Entry, pipeline: str) -> bool:
    """Whether an entry of a model's directory is its `pipeline`, or something that is in doubt."""
    if entry.name in (MANIFEST_NAME, pipeline):
        return entry.name == pipeline
    return not _has_a_place(entry)


def verify_files(path: Path, manifest: Manifest) -> None:
    """Makes sure that the model in directory `path` is the one described, and harmless to load.

    Raises:
        ModelError: a file is missing, not listed or changed, or names a class not allowed.
    """
    try:
        _compare(path, manifest)
        for name in manifest.files:
            if "metadata" in PurePosixPath(name).parts:
                _check_metadata(path / name)
    except OSError as error:
        raise ModelError(f"model {path}: {error}; {HOW_TO_MEND}") from error


def _compare(path: Path, manifest: Manifest) -> None:
    listed = manifest.files
    below = {f"{manifest.pipeline}/{name}" for name in _names(path / manifest.pipeline)}
    found = below.union(strays(path))
    present = sorted(found & listed.keys())
    changed = [name for name in present if _sha256(path / name) != listed[name]]
    for fault, names in (
        ("is missing", sorted(listed.keys() - found)),
        ("is not listed in the manifest", sorted(found - listed.keys())),
        ("does not match its SHA-256 in the manifest", changed),
    ):
        if names:
            more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
            raise ModelError(f"model {path}: {names[0]} {fault}{more}; {HOW_TO_MEND}")


def _check_metadata(source: Path) -> None:
    try:
        content = read_plain(source, MOST_METADATA_BYTES)
    except NotPlainError as error:
        raise ModelError(f"{source} {error.strerror}; {HOW_TO_MEND}") from error
    for line in content.splitlines():
        _check_stage(source, line)


def _check_stage(source: Path, line: bytes) -> None:
    try:
        document = json.loads(line.decode())
        class_name = str(document["class"])
        uids = list(document.get("paramMap", {}).get("stageUids", []))
    # Brackets in brackets, thousands of times, are too much for its parser.
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{source} is not a stage's metadata; {HOW_TO_MEND}") from error
    if class_name not in ALLOWED_CLASSES:
        raise ModelError(
            f"{source} names the class {class_name!r}, which is not allowed in a model; "
            f"allowed: {', '.join(sorted(ALLOWED_CLASSES))}"
        )
    for uid in uids:
        if not is_plain_name(str(uid)):
            raise ModelError(f"{source} names the stage {uid!r}, which is not a plain name")


def _has_a_place(entry: Entry) -> bool:
    # A pipeline that the manifest does not name is being written, or removed; nobody reads it. And
    # the root of a file system has a directory for what its repair finds.
    is_known = entry.name == "lost+found" or _PIPELINE.fullmatch(entry.name) is not None
    return is_known and entry.is_dir(follow_symlinks=False)


def _names(path: Path) -> Iterator[str]:
    # A link to a directory counts as a file, so that nothing outside is ever part of a model.
    for directory, directories, names in os.walk(path):
        links = [name for name in directories if os.path.islink(os.path.join(directory, name))]
        for name in (*names, *links):
            yield Path(directory, name).relative_to(path).as_posix()


def _sha256(source: Path) -> str:
    with open_plain(source) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
