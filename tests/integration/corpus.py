"""Every class of bad input, odd but valid events, and mutated ones, on one topic."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from confluent_kafka import Producer
from mutations import messages
from registry_messages import serialized

from churn_tools.customers.broken import (
    BORDERLINE_KINDS,
    BROKEN_KINDS,
    HUGE_KINDS,
    borderline_records,
    broken_records,
    huge_records,
)
from churn_tools.customers.synthetic import synthetic_customers

Headers = list[tuple[str, str | bytes | None]]

MUTATED = 5_000
OWN_HEADERS: Headers = [
    ("traceparent", b"00-4bf92f3577b34da6-01"),
    ("odd", b"\xff\x00"),
    ("none", None),
]


def send_corpus(broker: str, topic: str) -> None:
    producer = Producer(
        {"bootstrap.servers": broker, "message.max.bytes": 40_000_000, "linger.ms": 20}
    )
    records: Iterator[tuple[bytes | None, bytes | None]] = chain(
        ((r.key, r.value) for r in islice(broken_records(1), 3 * len(BROKEN_KINDS))),
        ((r.key, r.value) for r in islice(borderline_records(1), 3 * len(BORDERLINE_KINDS))),
        ((r.key, r.value) for r in islice(huge_records(1), len(HUGE_KINDS))),
        ((b"key-%d" % i, value) for i, value in enumerate(islice(messages(2), MUTATED))),
        [(b"k" * 900_000, b"{}"), (None, b"\xff" * 900_000), (None, b"\x01" * 900_000)],
    )
    for number, (key, value) in enumerate(records):
        producer.produce(topic, value, key, headers=OWN_HEADERS if number % 7 == 0 else None)
        producer.poll(0)
    for number, customer in enumerate(islice(synthetic_customers(9), 20)):
        value, schema = serialized(customer, in_header=number % 2 == 0)
        producer.produce(topic, value, b"registry", headers=[*OWN_HEADERS, *schema])
    producer.produce(topic, b"\0\0\0\0\7\x147590-VHVEG\x0cFemale", b"Avro", headers=OWN_HEADERS)
    many_headers: Headers = [(f"h{i}", b"x" * 700) for i in range(1_000)]
    producer.produce(topic, b"{}", b"many headers", headers=many_headers)
    assert producer.flush(60) == 0
