"""Why a client does not get in: of all that it says, what says most."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from stream_telemetry.security.refusals import reason_and_remedy

NOWHERE = {"bootstrap.servers": "127.0.0.1:1"}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([], "(too late); start it, or set --broker"),
        ([(KafkaError._TRANSPORT, "refused")], "(refused); start it, or set --broker"),
        (
            [(KafkaError._TRANSPORT, "cut"), (KafkaError._AUTHENTICATION, "who?")],
            "(who?); see the login in the file that --kafka-config names",
        ),
        (
            [(KafkaError._ALL_BROKERS_DOWN, "down"), (KafkaError._SSL, "expired")],
            "(expired); see the certificates on both sides, and those in the file that "
            "--kafka-config names",
        ),
        (
            [(KafkaError._TRANSPORT, "tls alert certificate unknown")],
            "(tls alert certificate unknown); see whether it accepts the certificate that "
            "ssl.keystore.location names",
        ),
    ],
)
def test_the_complaint_that_says_most_is_the_reason(told: list[tuple[int, str]], said: str) -> None:
    complaints = [KafkaError(code, text) for code, text in told]
    assert (
        reason_and_remedy(NOWHERE, complaints, KafkaError(KafkaError._TIMED_OUT, "too late"))
        == said
    )
