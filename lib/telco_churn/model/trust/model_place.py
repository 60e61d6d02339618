"""Where a model may lie: in a directory of this machine, or at a URI that Hadoop knows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stream_telemetry.values import directory

_URI = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):/")
_MLFLOW = ("models", "runs", "mlflow-artifacts")


@dataclass(frozen=True)
class RemotePlace:
    """A directory in one of Hadoop's file systems, by its URI."""

    uri: str

    def __str__(self) -> str:
        """The URI."""
        return self.uri


ModelPlace = Path | RemotePlace


def model_place(value: str) -> ModelPlace:
    """A path, a `file:` URI, which becomes one, or another URI; raises ValueError for neither."""
    found = directory(value)
    uri = _URI.match(value.strip())
    if uri is None:
        return found
    scheme = uri[1].lower()
    if scheme in _MLFLOW:
        raise ValueError(
            "is a model of MLflow; take it over by jobs/model.py adopt, and name the directory "
            "that this makes"
        )
    return local_path(value.strip()) if scheme == "file" else RemotePlace(value.strip())


def local_path(uri: str) -> Path:
    """The path that a `file:` URI means; raises ValueError for one of another machine."""
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise ValueError("names a file of another machine; write file:///path")
    # A reader of URIs ends the path there; nobody means an empty query.
    if parts.query or parts.fragment:
        raise ValueError("has a ? or # in its path; write %3F or %23, or a plain path")
    path = unquote(parts.path, errors="surrogateescape")
    if "\0" in path:
        raise ValueError("has a NUL in its path, which no file system takes")
    return Path(path)
