"""A broker that takes little: the job gets through, once, and says that it is the sink."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from job import Job, wait_until
from load import publish_broken, records_in
from scrape import health, scrape
from verifying import assert_all_accounted

from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import LOOPBACK, free_port

pytestmark = pytest.mark.slow
TOPICS = CustomerTopics("raw", "predictions", "dead")
BYTES_PER_SECOND = 50_000
RECORDS, RECORD_BYTES = 5_100, 2_000
"""At that rate the dead letters take longer than Kafka's client waits by default, 120 s."""


@pytest.fixture
def broker_with_quota(tmp_path: Path) -> Iterator[KafkaBroker]:
    """A broker that holds many broken records, and from then on takes little from any client."""
    with KafkaBroker(tmp_path / "kafka") as broker:
        TOPICS.create(broker.bootstrap_servers)
        publish_broken(broker.bootstrap_servers, TOPICS.raw, RECORDS, RECORD_BYTES)
        broker.run_tool(
            "kafka.admin.ConfigCommand",
            *("--bootstrap-server", broker.bootstrap_servers, "--alter"),
            *("--entity-type", "clients", "--entity-default"),
            *("--add-config", f"producer_byte_rate={BYTES_PER_SECOND}"),
        )
        yield broker


def test_a_broker_that_takes_little_is_waited_for_and_nothing_is_written_twice(
    tmp_path: Path, broker_with_quota: KafkaBroker
) -> None:
    job = Job(tmp_path, broker_with_quota.bootstrap_servers, TOPICS)
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"

    def state(name: str) -> bool:
        found = scrape(url)
        return found is not None and found.total("stream_state", state=name) == 1

    with job.running("--trigger", "1 second", "--metrics-port", str(port)) as process:
        wait_until(lambda: state("slow_sink"), process)
        assert health(url)[1]["query_progress"] == "pass"
        while records_in(job.broker, TOPICS.dead_letters) < RECORDS:
            wait_until(lambda: not state("slow_sink"), process)
            assert not state("stalled")
        wait_until(lambda: state("running") or state("idle"), process)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    assert "health: slow_sink" in said
    assert "restart" not in said
    books = assert_all_accounted(job.broker, TOPICS)
    assert (books["read"], books["dead letters"], books["repeated"]) == (RECORDS, RECORDS, 0)
