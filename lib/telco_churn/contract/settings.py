"""The settings of what counts as an event, beside the contract itself."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from stream_telemetry.options import option
from stream_telemetry.values import directory

_LARGEST_NUMBER = 2**31 - 1


@dataclass(frozen=True)
class SchemaIds:
    """Which schemas' messages are read.

    Attributes:
        encoded: the ids as messages hold them; empty for all.
    """

    encoded: tuple[bytes, ...] = ()

    def __str__(self) -> str:
        """As it is written on the command line."""
        return ",".join(map(_written, self.encoded)) or "any"


def parse_schema_ids(text: str) -> SchemaIds:
    """The ids in `any` or `N[,N…]`, each a number or a GUID; raises ValueError for other text."""
    if text == "any":
        return SchemaIds()
    return SchemaIds(tuple(_encoded(part.strip()) for part in text.split(",")))


@dataclass(frozen=True, kw_only=True)
class SchemaSettings:
    """Schema Registry."""

    schema_id: SchemaIds = option(
        "any",
        "schemas whose messages are read, by number or GUID; those without an id always are",
        parse=parse_schema_ids,
        metavar="N,…",
    )


@dataclass(frozen=True, kw_only=True)
class ContractSettings:
    """Contract."""

    contract: Path = option(
        "conf/contracts",
        "JSON Schemas of the events and of the predictions (docs/contracts.md)",
        parse=directory,
        metavar="DIR",
    )


def _encoded(text: str) -> bytes:
    if text.isascii() and text.isdigit() and int(text) <= _LARGEST_NUMBER:
        return b"\0" + int(text).to_bytes(4)
    try:
        return b"\1" + uuid.UUID(text).bytes
    except ValueError as error:
        raise ValueError(
            "is not a list of schema ids; write any, or numbers and GUIDs: 7,8"
        ) from error


def _written(encoded: bytes) -> str:
    if encoded[0] == 0:
        return str(int.from_bytes(encoded[1:]))
    return str(uuid.UUID(bytes=encoded[1:]))
