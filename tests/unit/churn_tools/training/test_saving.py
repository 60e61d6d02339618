"""A model's directory: it holds a whole model, whatever happens while one is saved."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from churn_kind import CHURN
from pyspark.sql import SparkSession
from saved_models import SHIPPED, copy_of

from churn_tools.training.data import read_customers
from churn_tools.training.fit import TrainedModel
from churn_tools.training.saving import check_target, save_model
from telco_churn.errors import SettingsError
from telco_churn.model.loading import load_model
from telco_churn.model.manifest import read_manifest
from telco_churn.model.scoring import PROBABILITY, with_probability

SAVE_TWICE = """
import os, shutil, sys
from dataclasses import replace
from pathlib import Path
from churn_tools.training.saving import save_model
from telco_churn.model.manifest import read_manifest
from telco_churn.model.verification import verify_files

target, shipped = map(Path, sys.argv[1:])

class Shipped:
    '''The shipped pipeline, which writes itself where Spark would; that needs no JVM.'''
    def write(self):
        return self
    def save(self, uri):
        shutil.copytree(shipped / "pipeline", uri.removeprefix("file://"))

for version in ("first", "second"):
    written = save_model(Shipped(), replace(read_manifest(shipped), version=version), target)
    found = read_manifest(target)
    assert found == written and found.version == version, found
    verify_files(target, found)
    left = {path.name for path in target.iterdir()} - {"lost+found"}
    assert left == {"manifest.json", found.pipeline}, left
"""


@pytest.mark.needs("unshare")
@pytest.mark.parametrize(
    "mount",
    [
        'mount -t tmpfs none "$1"',
        'mount -t tmpfs none "$1" && mkdir "$1/lost+found"',
        'mount --bind "$1" "$1"',  # which has the number of the file system around it
    ],
)
def test_a_model_is_put_onto_a_mount_point_and_replaced_there(tmp_path: Path, mount: str) -> None:
    target = copy_of(SHIPPED, tmp_path / "models" / "churn")
    script = ("sh", "-c", f'{mount} && exec "$0" -c "$3" "$1" "$2"', sys.executable)
    result = subprocess.run(
        ["unshare", "--map-root-user", "--mount", *script, target, SHIPPED, SAVE_TWICE],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def saved(trained: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("models") / "below" / "churn"
    save_model(trained.pipeline, trained.manifest, target)
    return target


def test_a_saved_model_scores_like_the_fitted_one(
    saved: Path, trained: TrainedModel, spark: SparkSession, training_csv: Path
) -> None:
    customers = read_customers(spark, training_csv, CHURN).limit(50).cache()
    loaded = load_model(saved)
    expected = trained.pipeline.transform(customers).select("_model_probability").collect()
    found = with_probability(loaded.scorer, customers).select(PROBABILITY).collect()
    assert [row[0] for row in found] == pytest.approx([row[0][1] for row in expected])
    assert replace(loaded.manifest, files={}, pipeline="pipeline") == trained.manifest


def test_a_saved_model_is_alone_in_its_directory_and_has_no_hadoop_files(saved: Path) -> None:
    assert [path.name for path in saved.parent.iterdir()] == ["churn"]
    names = [path.name for path in saved.rglob("*") if path.is_file()]
    assert not [name for name in names if name.startswith((".", "_"))]


def test_saving_again_replaces_the_model_whole(saved: Path, trained: TrainedModel) -> None:
    before = read_manifest(saved).pipeline
    save_model(trained.pipeline, replace(trained.manifest, version="test-2"), saved)
    after = load_model(saved).manifest
    assert after.version == "test-2"
    assert after.pipeline != before
    assert {path.name for path in saved.iterdir()} == {"manifest.json", after.pipeline}
    assert [path.name for path in saved.parent.iterdir()] == ["churn"]


def test_a_save_that_fails_leaves_the_old_model(
    saved: Path, trained: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_manifest(saved)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("churn_tools.training.saving.write_manifest", fail)
    with pytest.raises(SettingsError, match="disk full"):
        save_model(trained.pipeline, trained.manifest, saved)
    assert load_model(saved).manifest == before
    assert {path.name for path in saved.iterdir()} == {"manifest.json", before.pipeline}


def test_what_is_not_a_model_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("keep")
    for target, said in (
        (tmp_path, "is not a model's directory: it holds precious.txt"),
        (tmp_path / "precious.txt", "Not a directory"),
        (tmp_path / "precious.txt" / "below", "Not a directory"),
    ):
        with pytest.raises(SettingsError, match=said):
            check_target(target)
    check_target(tmp_path / "free")
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]
