"""Another model takes the place of the one that scores, or is refused and changes nothing."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from py4j.protocol import Py4JNetworkError
from pyspark.errors import StreamingQueryException
from pyspark.sql.streaming.query import StreamingQuery
from saved_models import SHIPPED, copy_of

from telco_churn.errors import ModelError
from telco_churn.model.loading import Model
from telco_churn.model.manifest import MANIFEST_NAME, read_manifest
from telco_churn.model.replacement import Replacement
from telco_churn.model.scoring import Scorer
from telco_churn.model.settings import ModelSettings
from telco_churn.model.trust.model_place import ModelPlace
from telco_churn.model.verification import verify_files

FIRST = read_manifest(SHIPPED).version


@dataclass(frozen=True)
class Plan:
    """How a query scores."""

    model: Model


@dataclass
class Heard:
    """What was said of models."""

    versions: list[str] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)

    def show(self, plan: Plan) -> None:
        self.versions.append(plan.model.manifest.version)


@dataclass(frozen=True)
class FakeRun:
    """A run by a model of this version, which has done so many batches."""

    version: str
    lastProgress: int


def load(path: ModelPlace) -> Plan:
    """By the model in a directory, verified, without a scorer."""
    assert isinstance(path, Path)
    manifest = read_manifest(path)
    verify_files(path, manifest)
    return Plan(Model(manifest, cast(Scorer, None)))


class Scored:
    """A job that scores with the model in a directory, which may change."""

    def __init__(self, path: Path, seconds: float | None = None, *, is_fixed: bool = False) -> None:
        self.path = copy_of(SHIPPED, path)
        self.heard = Heard()
        self.load = load
        self.now = 0.0
        self.models = Replacement(
            load(self.path),
            ModelSettings(model_path=self.path, watch_model=seconds),
            lambda path: self.load(path),
            self.heard.show,
            self.heard.outcomes.append,
            is_fixed=is_fixed,
            clock=lambda: self.now,
        )

    @property
    def version(self) -> str:
        """The version of the model that the next run scores with."""
        return self.run().version

    def run(self, *, batches: int = 0) -> FakeRun:
        """A run of the query, by whatever model it is given."""
        query = self.models.run(
            lambda plan: cast(StreamingQuery, FakeRun(plan.model.manifest.version, batches))
        )
        return cast(FakeRun, query)

    def put(self, version: str, **changed: object) -> None:
        """Another model in the place of the one that is there: a rename of the manifest."""
        manifest = json.loads((self.path / MANIFEST_NAME).read_text())
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps({**manifest, "version": version, **changed}))
        new.replace(self.path / MANIFEST_NAME)

    def look(self, seconds: float) -> bool:
        """A look that nobody has asked for, so much later."""
        self.now += seconds
        return self.models.renew(False)


@pytest.fixture
def scored(tmp_path: Path) -> Scored:
    return Scored(tmp_path / "model")


@pytest.fixture
def watched(tmp_path: Path) -> Scored:
    return Scored(tmp_path / "model", seconds=10.0)


def test_another_model_is_taken_by_the_next_run_and_told_then(scored: Scored) -> None:
    assert scored.version == FIRST
    scored.put("2")
    assert scored.models.renew(True)
    assert scored.heard.versions == [FIRST]
    assert scored.version == "2"
    assert (scored.heard.versions, scored.heard.outcomes) == ([FIRST, "2"], ["taken"])
    # A run that begins anew for another reason has the same model.
    assert scored.version == "2"
    assert scored.heard.versions == [FIRST, "2"]


def test_the_old_one_put_back_is_another_model(scored: Scored) -> None:
    for version in ("2", FIRST):
        scored.put(version)
        assert scored.models.renew(True)
        assert scored.version == version
    assert scored.heard.outcomes == ["taken", "taken"]


def test_the_model_that_scores_is_not_taken_again(
    scored: Scored, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    # Written anew, at another time, it is the same one.
    scored.put(FIRST)
    assert not scored.models.renew(True)
    assert (scored.version, scored.heard.outcomes) == (FIRST, ["kept"])
    assert "is the one that scores" in caplog.text


def spoil(path: Path) -> None:
    next(path.glob("pipeline*/stages/*/data/*.parquet")).write_bytes(b"?")


def empty(path: Path) -> None:
    (path / MANIFEST_NAME).write_text("")


@pytest.mark.parametrize("fault", [spoil, empty, shutil.rmtree])
def test_one_that_cannot_be_used_is_refused_and_counted(
    scored: Scored, fault: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(fault)
    scored.put("2")
    fault(scored.path)
    assert not scored.models.renew(True)
    assert (scored.version, scored.heard.outcomes) == (FIRST, ["refused"])
    (line,) = caplog.messages
    assert f"is refused, {FIRST} goes on: " in line
    assert "\n" not in line


def test_a_model_of_the_same_version_could_not_be_told_from_the_one_that_scores(
    scored: Scored, caplog: pytest.LogCaptureFixture
) -> None:
    scored.put(FIRST, threshold=0.9)
    assert not scored.models.renew(True)
    assert "give it a version of its own" in caplog.text


@pytest.mark.parametrize("error", [ModelError("no"), OSError("gone"), MemoryError(), KeyError(1)])
def test_whatever_is_wrong_with_it_the_one_that_scores_goes_on(
    scored: Scored, error: Exception
) -> None:
    def fail(path: ModelPlace) -> Plan:
        raise error

    scored.load = fail
    scored.put("2")
    assert not scored.models.renew(True)
    assert (scored.version, scored.heard.outcomes) == (FIRST, ["refused"])


def test_a_jvm_that_is_gone_is_no_fault_of_a_model(scored: Scored) -> None:
    def fail(path: ModelPlace) -> Plan:
        raise Py4JNetworkError("gone")

    scored.load = fail
    scored.put("2")
    with pytest.raises(Py4JNetworkError):
        scored.models.renew(True)


def test_nobody_looks_without_being_asked_to(scored: Scored) -> None:
    scored.put("2")
    assert not scored.look(1e9)


def test_a_watched_model_is_taken_once_its_files_are_at_rest(watched: Scored) -> None:
    assert not watched.look(10)
    watched.put("2")
    assert not watched.look(9.9)
    # Seen changed, then seen at rest.
    assert not watched.look(0.1)
    assert watched.look(10)
    assert watched.version == "2"
    assert not watched.look(10)
    assert not watched.look(10)


def test_a_watched_model_that_is_refused_is_not_tried_again_until_something_changes(
    watched: Scored,
) -> None:
    watched.put("2")
    spoil(watched.path)
    for _ in range(5):
        assert not watched.look(10)
    assert watched.heard.outcomes == ["refused"]
    shutil.rmtree(watched.path)
    copy_of(SHIPPED, watched.path)
    watched.put("3")
    assert [watched.look(10) for _ in range(2)] == [False, True]
    assert watched.version == "3"


def test_a_run_that_ends_by_itself_keeps_its_model(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    scored = Scored(tmp_path / "model", is_fixed=True)
    scored.put("2")
    assert not scored.models.renew(True)
    assert scored.version == FIRST
    assert "keeps its model" in caplog.text


FAILURE = StreamingQueryException("boom")


def test_a_model_whose_first_batch_fails_is_taken_back(
    scored: Scored, caplog: pytest.LogCaptureFixture
) -> None:
    scored.run()
    scored.put("2")
    scored.models.renew(True)
    assert scored.run().version == "2"
    assert scored.models.take_back(FAILURE)
    assert scored.run().version == FIRST
    assert scored.heard.versions == [FIRST, "2", FIRST]
    assert scored.heard.outcomes == ["taken", "refused"]
    assert "model 2 is taken back" in caplog.text
    # What fails now is not the fault of a new model.
    assert not scored.models.take_back(FAILURE)


def test_a_model_that_has_scored_a_batch_is_not_taken_back(scored: Scored) -> None:
    assert not scored.models.take_back(FAILURE)
    scored.put("2")
    scored.models.renew(True)
    scored.run(batches=1)
    assert not scored.models.take_back(FAILURE)
    assert scored.version == "2"
