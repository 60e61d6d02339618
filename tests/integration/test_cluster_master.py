"""A master of Spark that goes away, comes back with or without its memory, or ends the job."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from cluster import HOSTS, JOB_OPTIONS, Cluster, executors_of
from job import Job, wait_until
from load import publish
from scrape import processed, scrape
from verifying import assert_all_accounted

from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import LOOPBACK, free_port

pytestmark = pytest.mark.slow

RECORDS = 100


@pytest.fixture
def cluster(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """With one worker, which is enough here."""
    cluster = Cluster(tmp_path / "cluster", recovers=request.param)
    cluster.directory.mkdir()
    try:
        cluster.start_master()
        cluster.start_worker(HOSTS[0])
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    return Job(tmp_path, broker, topic_names)


@pytest.mark.parametrize("cluster", [True], indirect=True)
def test_a_master_that_remembers_is_not_missed(job: Job, cluster: Cluster) -> None:
    with streaming(job, cluster) as (process, url):
        assert cluster.master
        cluster.master.kill()
        publish(job.broker, job.topics.raw, RECORDS)
        wait_for_records(process, url, 2 * RECORDS)
        cluster.start_master()
        # It knows the job: an executor that is lost is replaced.
        (first,) = executors_of(cluster.workers[HOSTS[0]])
        wait_until(lambda: applications(cluster) == ["RUNNING"], process)
        subprocess.run(["kill", "-KILL", str(first)], check=True)
        wait_until(lambda: executors_of(cluster.workers[HOSTS[0]]) not in ([], [first]), process)
        publish(job.broker, job.topics.raw, RECORDS)
        wait_for_records(process, url, 3 * RECORDS)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, process.communicate()[0]
    books = assert_all_accounted(job.broker, job.topics)
    assert (books["read"], books["repeated"]) == (3 * RECORDS, 0)


@pytest.mark.parametrize("cluster", [False], indirect=True)
def test_a_master_without_memory_leaves_the_job_alone_which_is_told_and_ends_it(
    job: Job, cluster: Cluster
) -> None:
    with streaming(job, cluster, "--start-timeout", "60") as (process, _):
        assert cluster.master
        cluster.master.kill()
        cluster.start_master()
        # The worker asks for it again, and is told to end an executor of nobody's.
        wait_until(lambda: not executors_of(cluster.workers[HOSTS[0]]), process)
        publish(job.broker, job.topics.raw, RECORDS)
        said = process.communicate(timeout=240)[0]
    assert process.returncode == 5, said
    assert f"{cluster.url} has left the job without an executor" in said.splitlines()[-1]
    assert "start the job again" in said.splitlines()[-1]
    assert "Traceback" not in said
    again = job.run("--trigger", "once", "--master", cluster.url, *JOB_OPTIONS)
    assert again.returncode == 0, again.stdout + again.stderr
    assert assert_all_accounted(job.broker, job.topics)["read"] == 2 * RECORDS


@pytest.mark.parametrize("cluster", [False], indirect=True)
def test_a_job_that_is_ended_on_the_masters_page_says_so(job: Job, cluster: Cluster) -> None:
    with streaming(job, cluster) as (process, _):
        (application,) = page(cluster)["activeapps"]
        form = f"id={application['id']}&terminate=true".encode()
        with urlopen(Request(f"http://{LOOPBACK}:{cluster.page}/app/kill/", form), timeout=10):
            pass
        said = process.communicate(timeout=120)[0]
    assert process.returncode == 5, said
    last = said.splitlines()[-1]
    assert "Master removed our application: KILLED; somebody has ended it" in last
    assert "goes on from its checkpoint" in last
    assert "Traceback" not in said


@contextmanager
def streaming(
    job: Job, cluster: Cluster, *options: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A stream that has dealt with some records, and the address of its exporter."""
    publish(job.broker, job.topics.raw, RECORDS)
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    words = ("--trigger", "1 second", "--metrics-port", str(port), "--master", cluster.url)
    with job.running(*words, *JOB_OPTIONS, *options) as process:
        wait_for_records(process, url, RECORDS)
        yield process, url


def wait_for_records(process: subprocess.Popen[str], url: str, records: int) -> None:
    wait_until(lambda: processed(scrape(url)) >= records, process)


def page(cluster: Cluster) -> dict[str, list[dict[str, str]]]:
    """What the master's page shows."""
    with urlopen(f"http://{LOOPBACK}:{cluster.page}/json/", timeout=10) as answer:
        shown: dict[str, list[dict[str, str]]] = json.load(answer)
        return shown


def applications(cluster: Cluster) -> list[str]:
    """The states of the applications that the master knows."""
    return [application["state"] for application in page(cluster)["activeapps"]]
