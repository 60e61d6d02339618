"""The wall clock is set back under a running job, as virtual machines do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from job import Job, wait_until
from load import publish, records_in
from scrape import scrape
from verifying import assert_all_accounted

from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import LOOPBACK, free_port

pytestmark = pytest.mark.slow
SOURCE = Path(__file__).with_name("wall_clock.c")


class SetClock:
    """The wall clock of the processes that get its environment."""

    def __init__(self, directory: Path) -> None:
        library = directory / "wall_clock.so"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE)], check=True
        )
        self._file = directory / "wall_clock"
        self._file.write_bytes(bytes(8))
        self.environment = {"LD_PRELOAD": str(library), "WALL_CLOCK_FILE": str(self._file)}

    def add(self, seconds: int) -> None:
        with self._file.open("r+b") as file:
            file.write(seconds.to_bytes(8, "little", signed=True))


def test_the_query_goes_on_at_once_when_the_clock_is_set_back_by_ten_minutes(
    tmp_path: Path, broker: str, topic_names: CustomerTopics
) -> None:
    job, clock, port = Job(tmp_path, broker, topic_names), SetClock(tmp_path), free_port()
    url = f"http://{LOOPBACK}:{port}"

    def scored() -> int:
        return records_in(broker, topic_names.predictions)

    publish(broker, topic_names.raw, 200)
    with job.running(
        *("--trigger", "1 second", "--metrics-port", str(port)),
        environment=job.environment | clock.environment,
    ) as process:
        wait_until(lambda: scored() == 200, process)
        clock.add(-600)
        publish(broker, topic_names.raw, 300)
        wait_until(lambda: scored() == 500, process)
        found = scrape(url)
        assert found is not None
        assert found.total("stream_restarts_total") == 1
        assert found.total("stream_last_batch_seconds") >= 0
        clock.add(0)
        publish(broker, topic_names.raw, 100)
        wait_until(lambda: scored() == 600, process)
        process.terminate()
        told = process.communicate(timeout=60)[0]
    assert process.returncode == 0, told
    assert told.count("the wall clock was set back by 600 s, and the query waits by it") == 1
    assert told.count("the wall clock was set ahead by 600 s") == 1
    assert_all_accounted(broker, topic_names)
