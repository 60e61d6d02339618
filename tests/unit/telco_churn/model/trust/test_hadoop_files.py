"""A model in another file system than that of this machine: read and checked as here."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from saved_models import SHIPPED, copy_of, metadata_of

from telco_churn.errors import ModelError
from telco_churn.model.loading import load_model, manifest_at
from telco_churn.model.manifest import MANIFEST_NAME, read_manifest
from telco_churn.model.trust import private_copy as copying
from telco_churn.model.trust.model_place import ModelPlace, RemotePlace
from telco_churn.model.trust.private_copy import private_copy

OVERLOADED = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
LOCAL = "org.apache.hadoop.fs.LocalFileSystem"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return copy_of(SHIPPED, tmp_path / "far" / "churn")


@pytest.fixture(params=["viewfs", "cloud"])
def place(
    request: pytest.FixtureRequest, spark: SparkSession, model: Path
) -> Iterator[RemotePlace]:
    """Where Hadoop finds the model: by its own scheme, and by one that only this site knows."""
    assert spark.sparkContext._jvm is not None
    system = spark.sparkContext._jvm.java.lang.System
    # A name of its own: Hadoop keeps file systems by their scheme and authority.
    site = f"site{uuid.uuid4().hex}"
    settings = {f"fs.viewfs.mounttable.{site}.link./models": f"file://{model.parent}"}
    if request.param == "cloud":
        settings |= {
            "fs.cloud.impl": OVERLOADED,
            "fs.viewfs.overload.scheme.target.file.impl": LOCAL,
        }
    for name, value in settings.items():
        system.setProperty(f"spark.hadoop.{name}", value)
    yield RemotePlace(f"{request.param}://{site}/models/churn")
    for name in settings:
        system.clearProperty(f"spark.hadoop.{name}")


def refusal(place: ModelPlace) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(place)
    said = str(caught.value)
    assert "\n" not in said
    assert "churn-model-" not in said, "nobody knows the copy"
    return said


def test_it_is_read_byte_for_byte_and_loaded(place: RemotePlace, model: Path) -> None:
    with private_copy(place, lambda entry: True) as copy:
        files = [path.relative_to(model) for path in model.rglob("*") if path.is_file()]
        assert len(files) > 5
        for file in files:
            assert (copy / file).read_bytes() == (model / file).read_bytes()
    assert manifest_at(place) == read_manifest(SHIPPED)
    loaded = load_model(place)
    assert loaded.is_compiled
    assert loaded == load_model(SHIPPED)


def test_a_slash_behind_it_changes_nothing(place: RemotePlace) -> None:
    assert manifest_at(RemotePlace(f"{place.uri}/")) == read_manifest(SHIPPED)


def test_what_is_wrong_with_its_files_is_told_of_the_uri(place: RemotePlace, model: Path) -> None:
    (model / "more").mkdir()
    (model / "more" / "file").touch()
    assert f"model {place}: more is not listed in the manifest" in refusal(place)
    (model / "more" / "file").unlink()
    (model / "more").rmdir()
    victim = metadata_of(model, "VectorAssembler")
    victim.write_text(victim.read_text() + " ")
    assert "does not match its SHA-256 in the manifest" in refusal(place)
    (model / MANIFEST_NAME).unlink()
    assert f"no model in {place}: cannot read manifest.json (No such file" in refusal(place)


def test_too_many_files_and_too_large_ones_are_refused(
    place: RemotePlace, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(copying, "MOST_ENTRIES", 5)
        assert "is one file more than 5" in refusal(place)
    with (model / "pipeline" / "large").open("wb") as file:
        file.truncate(2**40)
    assert "pipeline/large is larger than 134,217,728 bytes" in refusal(place)


def test_a_model_that_is_replaced_by_another_is_read_anew(place: RemotePlace, model: Path) -> None:
    document = json.loads((model / MANIFEST_NAME).read_text())
    (model / MANIFEST_NAME).write_text(json.dumps({**document, "version": "2"}))
    assert manifest_at(place).version == load_model(place).manifest.version == "2"


def test_where_nothing_is_the_uri_and_what_to_do_are_told(place: RemotePlace) -> None:
    missing = RemotePlace(f"{place.uri}/nothing")
    assert f"model {missing} cannot be read (FileNotFoundException: " in refusal(missing)


@pytest.mark.parametrize(
    ("uri", "cause"),
    [
        ("nofs://host/model", 'No FileSystem for scheme "nofs"'),
        ("viewfs://nosuchtable/model", "nosuchtable"),
    ],
)
def test_a_file_system_that_spark_does_not_have_is_one_line(
    spark: SparkSession, uri: str, cause: str
) -> None:
    said = refusal(RemotePlace(uri))
    assert said.startswith(f"model {uri} cannot be read (")
    assert cause in said
    assert said.endswith("or a URI of a file system that Spark has")
