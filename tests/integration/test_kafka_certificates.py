"""A client's certificate that is replaced while the job runs is taken when connections are new."""

from __future__ import annotations

import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest
from job import Job, wait_until
from load import publish
from publishing import records_in
from secured_broker import secured_broker

from sandbox.kafka.topics import CustomerTopics

pytestmark = pytest.mark.slow

TOPICS = CustomerTopics("certified.raw", "certified.predictions", "certified.dead")
FIRST_LASTS = timedelta(seconds=75)


def test_the_query_that_runs_goes_on_with_the_next_certificate(tmp_path: Path) -> None:
    (tmp_path / "secured").mkdir()
    with secured_broker(tmp_path / "secured") as secured:
        servers = secured.broker.bootstrap_servers
        TOPICS.create(servers)
        first = secured.authority.sign("first", lasts=FIRST_LASTS)
        signed = time.monotonic()
        own = secured.directory / "own.pem"
        own.touch(mode=0o600)
        own.write_bytes(first.read_bytes())
        access = ("--kafka-config", str(secured.file("own", **secured.own_certificate(own))))
        job = Job(tmp_path, secured.servers("mtls"), TOPICS)

        def answers() -> int:
            outputs = (TOPICS.predictions, TOPICS.dead_letters)
            return sum(len(records_in(servers, topic)) for topic in outputs)

        with job.running(*access, "--trigger", "1 second") as process:
            publish(servers, TOPICS.raw, 1)
            wait_until(lambda: answers() == 1, process)
            assert time.monotonic() - signed < FIRST_LASTS.total_seconds(), "it came too late"
            own.write_bytes(secured.authority.sign("next").read_bytes())
            time.sleep(max(0.0, FIRST_LASTS.total_seconds() + 2 - (time.monotonic() - signed)))
            # All connections end, and none can be made with the first one.
            secured.broker.kill()
            secured.start()
            publish(servers, TOPICS.raw, 1)
            wait_until(lambda: answers() >= 2, process)
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=90)
        assert process.returncode == 0, said
        assert "certificate" in said.lower(), said
