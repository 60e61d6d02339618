"""A model that is not in a directory of this machine, as a user names it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from job import Job, user_lines, wait_until
from load import load
from saved_models import SHIPPED, copy_of
from scrape import scrape
from verifying import assert_all_accounted

from sandbox.kafka.read_back import read_topic
from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import free_port
from stream_telemetry.broker.read import object_of
from telco_churn.model.manifest import MANIFEST_NAME, read_manifest

FIRST = read_manifest(SHIPPED).version
NOWHERE = "127.0.0.1:1"


def mounted(directory: Path) -> tuple[str, ...]:
    """Options that let Hadoop find a directory at `viewfs://site/models`."""
    link = f"spark.hadoop.fs.viewfs.mounttable.site.link./models=file://{directory}"
    return ("--conf", link)


def put(model: Path, **changed: object) -> None:
    manifest = json.loads((SHIPPED / MANIFEST_NAME).read_text())
    new = model.with_suffix(".new")
    new.write_text(json.dumps({**manifest, **changed}))
    new.replace(model / MANIFEST_NAME)


@pytest.mark.slow
def test_a_model_at_a_uri_scores_and_is_changed_by_a_signal(
    broker: str, topic_names: CustomerTopics, tmp_path: Path
) -> None:
    model = copy_of(SHIPPED, tmp_path / "far" / "churn")
    shadow = copy_of(SHIPPED, tmp_path / "my models")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    job = Job(tmp_path, broker, topic_names)
    options = (
        *(*mounted(tmp_path / "far"), "--model-path", "viewfs://site/models/churn/"),
        *("--shadow-model", f"{shadow.as_uri()}/", "--trigger", "500 milliseconds"),
        *("--metrics-port", str(port)),
    )

    def shows(name: str, **labels: str) -> bool:
        found = scrape(url)
        return found is not None and found.total(name, **labels) > 0

    with load(broker, topic_names.raw, rate=100), job.running(*options) as process:
        labels = {"decided": "no", "shadow": "no"}
        wait_until(lambda: shows("model_shadow_records_total", **labels), process)
        put(model, version="broken", files={"pipeline/metadata/part-00000": "0" * 64})
        os.kill(process.pid, signal.SIGHUP)
        wait_until(lambda: shows("model_refused"), process)
        put(model, version="second")
        os.kill(process.pid, signal.SIGHUP)
        wait_until(lambda: shows("model_info", version="second"), process)
        found = scrape(url)
        assert found
        assert found.total("model_refused") == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, process.communicate()[0]
    assert job.run(*options[:-4], "--trigger", "once").returncode == 0
    assert assert_all_accounted(broker, topic_names)["repeated"] == 0
    versions = {
        object_of(record)["model_version"] for record in read_topic(broker, topic_names.predictions)
    }
    assert versions == {FIRST, "second"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("uri", "cause"),
    [
        ("nofs://host/model", 'UnsupportedFileSystemException: No FileSystem for scheme "nofs"'),
        ("viewfs://site/models/none", "FileNotFoundException: "),
    ],
)
def test_a_uri_that_leads_nowhere_is_one_line_before_kafka_is_asked(
    tmp_path: Path, uri: str, cause: str
) -> None:
    job = Job(tmp_path, NOWHERE, CustomerTopics())
    result = job.run(*mounted(tmp_path), "--model-path", uri)
    assert result.returncode == 3
    (line,) = user_lines(result)
    assert line.startswith(f"churn_stream: model {uri} cannot be read ({cause}")
    assert line.endswith("or a URI of a file system that Spark has")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--model-path", "models:/churn@champion"), 2, "is a model of MLflow; take it over by"),
        (("--model-path", "file://host/m"), 2, "names a file of another machine"),
        (("--model-path", "hdfs://h/m", "--watch-model", "5"), 2, "leave --watch-model off"),
        (("--model-path", "file:///no/such%20model/"), 3, "no model in /no/such model: cannot"),
    ],
)
def test_what_can_be_known_before_is_one_line_without_a_jvm(
    tmp_path: Path, options: tuple[str, ...], code: int, said: str
) -> None:
    result = Job(tmp_path, NOWHERE, CustomerTopics()).run_without_jvm(*options)
    assert result.returncode == code, result.stderr
    (line,) = user_lines(result)
    assert said in line
