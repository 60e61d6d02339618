"""Mends an event's message by chosen repairs; what no repair touches keeps its bytes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from churn_tools.producer.contract_validator import ContractValidator
from churn_tools.replay.letter import is_framed
from churn_tools.replay.repairs import REPAIRS, UNKNOWN_FIELDS
from telco_churn.contract.framing import FRAME_BYTES

_DECODER = json.JSONDecoder()
_WHITE_SPACE = " \t\n\r"


class Mending:
    """Repairs messages by one contract."""

    def __init__(self, contract: Mapping[str, Any], names: Collection[str]) -> None:
        """Chooses the repairs.

        Args:
            contract: JSON Schema of an event.
            names: of repairs, in the order in which they are tried.
        """
        self._validator = ContractValidator(contract)
        self._fields: Mapping[str, Any] = contract["properties"]
        self._repairs = [REPAIRS[name] for name in names if name in REPAIRS]
        self._removes_unknown = UNKNOWN_FIELDS in names

    def is_in_order(self, value: bytes | None) -> bool:
        """Whether a message, with a schema's id before it or not, follows the contract."""
        try:
            return not self._validator.violations(self._validator.parse(_parted(value)[1]))
        except ValueError:
            return False

    def mended(self, value: bytes | None) -> bytes | None:
        """The message after the repairs: the very same bytes where none of them applies."""
        frame, payload = _parted(value)
        try:
            event = self._validator.parse(payload)
        except ValueError:
            return value
        if not isinstance(event, dict) or payload is None:
            return value
        changed, removed = self._repaired(event), self._unknown(event)
        if not changed and not removed:
            return value
        return frame + _rewritten(payload.decode(), changed, removed).encode()

    def _repaired(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """New values of the fields that change."""
        now = dict(event)
        for repair in self._repairs:
            for field in self._broken(now) & self._fields.keys() & now.keys():
                now[field] = repair(now[field], self._fields[field])
        # By type too: to Python 1, 1.0 and true are the same.
        return {
            field: value
            for field, value in now.items()
            if (type(value), value) != (type(event[field]), event[field])
        }

    def _unknown(self, event: Mapping[str, Any]) -> set[str]:
        if not self._removes_unknown:
            return set()
        return (self._broken(event) & event.keys()) - self._fields.keys()

    def _broken(self, event: Mapping[str, Any]) -> set[str]:
        return {field for field, _ in self._validator.violations(event) if field is not None}


class _Member(NamedTuple):
    """A property of a JSON object as it is written: where its name and its value begin and end."""

    name: str
    begin: int
    value: int
    end: int


def _rewritten(text: str, changed: Mapping[str, Any], removed: Collection[str]) -> str:
    """A JSON object with new values, and without some properties; the others as they are."""
    members = list(_members(text))
    written = ""
    for before, one in zip([None, *members], members, strict=False):
        if one.name in removed:
            continue
        if before and written:
            written += text[before.end : one.begin]
        if one.name in changed:
            written += text[one.begin : one.value] + json.dumps(changed[one.name])
        else:
            written += text[one.begin : one.end]
    return text[: members[0].begin] + written + text[members[-1].end :]


def _members(text: str) -> Iterator[_Member]:
    """The properties of a text that is one JSON object, and not an empty one."""
    at = _past_white_space(text, text.index("{") + 1)
    while text[at] != "}":
        begin = at
        name, at = _DECODER.raw_decode(text, at)
        value = _past_white_space(text, _past_white_space(text, at) + 1)
        _, end = _DECODER.raw_decode(text, value)
        yield _Member(name, begin, value, end)
        at = _past_white_space(text, end)
        # Behind a comma the next name, behind the last value the brace.
        at = _past_white_space(text, at + 1) if text[at] == "," else at


def _past_white_space(text: str, at: int) -> int:
    while text[at] in _WHITE_SPACE:
        at += 1
    return at


def _parted(value: bytes | None) -> tuple[bytes, bytes | None]:
    """The schema's id before a message, and the message."""
    if value is not None and is_framed(value):
        return value[:FRAME_BYTES], value[FRAME_BYTES:]
    return b"", value
