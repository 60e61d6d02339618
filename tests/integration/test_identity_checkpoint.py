"""A query that has begun never begins anew, and a checkpoint is one wherever it is."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from job import Job, user_lines, wait_until
from load import publish, records_in
from verifying import assert_all_accounted

from sandbox.kafka.topics import CustomerTopics, create_topics, delete_topics

pytestmark = pytest.mark.slow

SITE = """<configuration>
<property><name>fs.defaultFS</name><value>viewfs://site/</value></property>
<property><name>fs.viewfs.mounttable.site.link./work</name><value>file://{}</value></property>
<property><name>fs.viewfs.mounttable.site.link./tmp</name><value>file:///tmp</value></property>
</configuration>
"""


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    return Job(tmp_path, broker, topic_names)


def test_a_checkpoint_that_vanishes_ends_the_job_and_nothing_is_lost(job: Job) -> None:
    options = ("--starting-offsets", "latest", "--trigger", "1 second")
    publish(job.broker, job.topics.raw, 20)
    outputs = (job.topics.predictions, job.topics.dead_letters)
    with job.running(*options) as process:
        offsets = job.directory / "checkpoint" / "offsets"
        wait_until(lambda: offsets.is_dir() and any(offsets.glob("[0-9]*")), process)
        publish(job.broker, job.topics.raw, 10)
        wait_until(lambda: records_in(job.broker, *outputs) == 10, process)
        wait_until(lambda: len(list(offsets.parent.glob("commits/[0-9]*"))) > 1, process)
        shutil.rmtree(job.directory / "checkpoint")
        publish(job.broker, job.topics.raw, 30)
        assert process.wait(120) == 6
        line = process.communicate()[0].splitlines()[-1]
    assert "it is gone, or empty; put it back, or start with another --checkpoint" in line
    # Whoever starts it again without looking does not begin at the end either.
    again = job.run(*options)
    assert again.returncode == 6, again.stderr
    assert "no longer has the batches of query" in user_lines(again)[-1]
    (given,) = re.findall(r"--starting-offsets '(.*)'", line)
    assert given in user_lines(again)[-1]
    advised = ("--checkpoint", str(job.directory / "another"), "--starting-offsets", given)
    assert job.run("--trigger", "once", *advised).returncode == 0
    assert records_in(job.broker, *outputs) == 40


@pytest.mark.parametrize("place", ["file:{}/checkpoint", "/work/checkpoint"])
def test_a_topic_that_was_made_anew_is_known_wherever_the_checkpoint_is(
    job: Job, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = job.directory / "site"
    site.mkdir()
    (site / "core-site.xml").write_text(SITE.format(job.directory))
    monkeypatch.setenv("HADOOP_CONF_DIR", str(site))
    options = ("--trigger", "once", "--checkpoint", place.format(job.directory))
    publish(job.broker, job.topics.raw, 10, partition=0)
    first = job.run(*options)
    assert first.returncode == 0, first.stderr
    assert (job.directory / "checkpoint" / "identity.json").is_file()
    assert_all_accounted(job.broker, job.topics)
    delete_topics(job.broker, [job.topics.raw])
    create_topics(job.broker, {job.topics.raw: 3})
    publish(job.broker, job.topics.raw, 25, partition=0)
    second = job.run(*options)
    assert second.returncode == 6, second.stderr
    assert "has been deleted and made anew" in user_lines(second)[-1]
    assert not (job.directory / "file:").exists()
