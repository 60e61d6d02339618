"""Messages as producers with a Schema Registry write them: by confluent-kafka's own serializer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from confluent_kafka.schema_registry import (
    SchemaRegistryClient,
    header_schema_id_serializer,
    prefix_schema_id_serializer,
)
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from telco_churn.paths import read_schema

Header = tuple[str, bytes | None]


def serialized(event: Mapping[str, Any], *, in_header: bool) -> tuple[bytes, list[Header]]:
    """Value and headers of the event, with its schema's id before the value or in a header."""
    registry = SchemaRegistryClient.new_client({"url": "mock://registry"})
    style = header_schema_id_serializer if in_header else prefix_schema_id_serializer
    conf = {"schema.id.serializer": style, "validate": False}
    serialize = JSONSerializer(json.dumps(read_schema("customer_event")), registry, conf=conf)
    headers: list[tuple[str, str | bytes | None]] = []
    value = serialize(dict(event), SerializationContext("t", MessageField.VALUE, headers))
    assert value is not None
    return value, [
        (name, text.encode() if isinstance(text, str) else text) for name, text in headers
    ]
