"""A hundred thousand messages that nobody thought of: each gets the one fate that is right."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import pytest
from confluent_kafka import Producer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from job import Job
from mutations import messages
from verifying import assert_all_accounted

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.producer.contract_validator import ContractValidator
from sandbox.kafka.read_back import answered, read_topic
from sandbox.kafka.topics import CustomerTopics
from stream_telemetry.broker.read import RecordAddress
from telco_churn.contract.limits import MAX_EVENT_BYTES
from telco_churn.paths import read_schema

pytestmark = pytest.mark.slow
SEEDED = 98_000
GENERATED = 2_000
VALID = next(iter(synthetic_customers(3)))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
fields = st.sampled_from(list(VALID)) | st.text(max_size=12)
spoilt_events = st.dictionaries(fields, json_values, max_size=4).map(
    lambda odd: json.dumps({**VALID, **odd}).encode("utf-8", "surrogatepass")
)
anything = (
    st.binary(max_size=400) | spoilt_events | json_values.map(lambda v: json.dumps(v).encode())
)


def generated() -> list[bytes]:
    """What Hypothesis makes of these, the same each time."""
    found: list[bytes] = []

    @settings(
        max_examples=GENERATED,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(anything)
    def note(message: bytes) -> None:
        found.append(message)

    note()
    return found


def is_scored(referee: ContractValidator, message: bytes | None) -> bool:
    """The contract's verdict, but for what tests/unit/test_verdicts.py lists."""
    if message is None or len(message) > MAX_EVENT_BYTES or b'"1e400"' in message:
        return False
    try:
        return not referee.violations(ContractValidator.parse(message))
    except ValueError:
        return False


def publish_all(broker: str, topic: str, values: Iterator[bytes | None]) -> int:
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 20})
    sent = 0
    for sent, value in enumerate(values, 1):
        producer.produce(topic, value)
        producer.poll(0.01 if sent % 10_000 == 0 else 0)
    assert producer.flush(60) == 0
    return sent


def test_none_of_a_hundred_thousand_messages_stops_the_query(
    broker: str, topic_names: CustomerTopics, tmp_path: Path
) -> None:
    made = generated()
    sent = publish_all(broker, topic_names.raw, chain(islice(messages(77), SEEDED), made))
    assert sent >= SEEDED + GENERATED // 2, "Hypothesis may find that it has tried everything"
    result = Job(tmp_path, broker, topic_names).run("--trigger", "once", time_limit=900)
    assert result.returncode == 0, result.stderr
    books = assert_all_accounted(broker, topic_names)
    assert (books["read"], books["repeated"]) == (sent, 0)
    referee = ContractValidator(read_schema("customer_event"))
    scored = {answered(m) for m in read_topic(broker, topic_names.predictions)}
    verdicts: Counter[bool] = Counter()
    # All of them first: the referee takes longer than a reader may.
    for message in list(read_topic(broker, topic_names.raw)):
        expected = is_scored(referee, message.value())
        assert (RecordAddress.of(message) in scored) == expected, message.value()
        verdicts[expected] += 1
    assert min(verdicts.values()) > sent // 5, "the messages must try both verdicts"
