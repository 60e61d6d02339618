"""What names a place of a model: a path, a file URI, a URI of Hadoop, or none of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from telco_churn.model.settings import ModelSettings
from telco_churn.model.trust.model_place import RemotePlace, model_place


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("models/churn", "models/churn"),
        ("/srv/a%20b/churn/", "/srv/a%20b/churn"),
        ("churn:v2", "churn:v2"),
        ("./s3a:/x", "s3a:/x"),
        ("file:///srv/churn", "/srv/churn"),
        ("file:/srv/churn/", "/srv/churn"),
        ("FILE://localhost/srv/churn", "/srv/churn"),
        ("file:///srv/my%20models/%C3%A4/50%25%23%3F", "/srv/my models/ä/50%#?"),
        (" file:///srv/churn ", "/srv/churn"),
    ],
)
def test_a_path_and_a_file_uri_are_a_directory_of_this_machine(text: str, path: str) -> None:
    assert model_place(text) == Path(path)


def test_the_uri_that_python_gives_a_directory_leads_back_to_it(tmp_path: Path) -> None:
    odd = tmp_path / "a b%20,ü#?"
    assert model_place(odd.as_uri()) == odd


@pytest.mark.parametrize(
    "uri", ["hdfs://name:8020/models/churn", "s3a://bucket/churn/", "viewfs:/churn", "gs://b/a%20b"]
)
def test_another_uri_is_left_to_hadoop_as_it_is(uri: str) -> None:
    assert model_place(uri) == RemotePlace(uri)
    assert str(model_place(uri)) == uri


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("file://other/srv/churn", "names a file of another machine"),
        ("file:///srv/churn?v=2", "has a \\? or # in its path"),
        ("file:///srv/churn#2", "has a \\? or # in its path"),
        ("file:///srv/%00", "has a NUL"),
        ("models:/churn@champion", "is a model of MLflow; take it over by jobs/model.py adopt"),
        ("runs:/1/model", "is a model of MLflow"),
        (" ", "is empty"),
    ],
)
def test_what_is_no_place_is_told_with_what_to_do(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        model_place(text)


def test_what_may_take_minutes_to_answer_is_not_watched() -> None:
    place = model_place("hdfs://name/churn")
    assert ModelSettings(model_path=place).watch_model is None
    with pytest.raises(ValueError, match="--model-path is hdfs://name/churn; leave --watch-model"):
        ModelSettings(model_path=place, watch_model=60.0)
