"""A client's certificate that is replaced while the job runs is taken when connections are new."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest
from certificates import Authority
from job import Job, wait_until
from load import publish
from publishing import records_in
from secured_broker import secured_broker

from sandbox.kafka.topics import CustomerTopics

pytestmark = pytest.mark.slow

TOPICS = CustomerTopics("certified.raw", "certified.predictions", "certified.dead")


def test_the_query_that_runs_goes_on_with_the_next_certificate(tmp_path: Path) -> None:
    (tmp_path / "secured").mkdir()
    with secured_broker(tmp_path / "secured") as secured:
        servers = secured.broker.bootstrap_servers
        TOPICS.create(servers)
        own = secured.directory / "own.pem"
        own.touch(mode=0o600)
        own.write_bytes(secured.authority.sign("first").read_bytes())
        access = ("--kafka-config", str(secured.file("own", **secured.own_certificate(own))))
        job = Job(tmp_path, secured.servers("mtls"), TOPICS)

        def answers() -> int:
            outputs = (TOPICS.predictions, TOPICS.dead_letters)
            return sum(len(records_in(servers, topic)) for topic in outputs)

        with job.running(*access, "--trigger", "1 second") as process:
            publish(servers, TOPICS.raw, 1)
            wait_until(lambda: answers() == 1, process)
            following = Authority.made(tmp_path, "following")
            own.write_bytes(following.sign("next").read_bytes())
            # All connections end, and none can be made with the first one: it has not expired,
            # which a slow machine might come too late for, but its authority is trusted no more.
            shutil.copy(following.pem, secured.clients)
            secured.broker.kill()
            secured.start()
            publish(servers, TOPICS.raw, 1)
            wait_until(lambda: answers() >= 2, process)
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=90)
        assert process.returncode == 0, said
        assert "certificate" in said.lower(), said
