"""Records as the world really sends them: broken in every way known, and odd but valid.

Each kind is a named change to a valid synthetic customer event. A kind says what the message is,
not what a reader makes of it; the contract, through the referee, decides about that.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, TypeAlias

from churn_tools.customers.broken_fields import BROKEN_FIELDS
from churn_tools.customers.synthetic import synthetic_customers

Event: TypeAlias = Mapping[str, object]
Change: TypeAlias = Callable[[Event, Random], bytes | None]
"""Makes a record's value from a valid event."""

_PLACE = "@place@"


@dataclass(frozen=True, slots=True)
class BrokenRecord:
    """A record that breaks the customer event's contract.

    Attributes:
        kind: What is wrong with it, one of `BROKEN_KINDS` or `HUGE_KINDS`.
        key: The customerID of the event it was made from, as bytes.
        value: The message; None for a tombstone.
    """

    kind: str
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class BorderlineRecord:
    """A record that looks odd but follows the contract, so that it has to be scored.

    Attributes:
        kind: What is odd about it, one of `BORDERLINE_KINDS`.
        key: The record's key; for some kinds the key is the odd part.
        value: The message.
    """

    kind: str
    key: bytes | None
    value: bytes | None


def broken_records(seed: int) -> Iterator[BrokenRecord]:
    """Broken records without end: every kind once in a random order, then again."""
    return (BrokenRecord(kind, key, value) for kind, key, value in _deal(BROKEN_KINDS, seed))


def huge_records(seed: int) -> Iterator[BrokenRecord]:
    """Broken records without end that are also huge: up to 22 MB, up to 100,000 levels deep."""
    return (BrokenRecord(kind, key, value) for kind, key, value in _deal(HUGE_KINDS, seed))


def borderline_records(seed: int) -> Iterator[BorderlineRecord]:
    """Odd but valid records without end: every kind once in a random order, then again."""
    for kind, key, value in _deal(BORDERLINE_KINDS, seed):
        yield BorderlineRecord(kind, _ODD_KEYS.get(kind, key), value)


def _deal(kinds: Mapping[str, Change], seed: int) -> Iterator[tuple[str, bytes, bytes | None]]:
    rng = Random(seed)
    customers = synthetic_customers(seed)
    while True:
        for kind in rng.sample(sorted(kinds), len(kinds)):
            event = next(customers)
            yield kind, str(event["customerID"]).encode(), kinds[kind](event, rng)


def _text(event: Event) -> str:
    return json.dumps(event, separators=(",", ":"))


def _encode(text: str) -> bytes:
    # surrogateescape lets a table entry write any byte: "\udce9" becomes 0xE9.
    return text.encode("utf-8", "surrogateescape")


def _literal(field: str, literal: str) -> Change:
    """The event with this JSON text as the field's value."""
    return lambda event, _: _encode(_text({**event, field: _PLACE}).replace(f'"{_PLACE}"', literal))


def _around(change: Callable[[str], str]) -> Change:
    """The event's whole JSON text, changed."""
    return lambda event, _: _encode(change(_text(event)))


def _required(event: Event, rng: Random) -> str:
    return rng.choice([name for name in event if name != "Churn"])


def _without_field(event: Event, rng: Random) -> bytes:
    absent = _required(event, rng)
    return _encode(_text({name: value for name, value in event.items() if name != absent}))


def _with_null_field(event: Event, rng: Random) -> bytes:
    return _encode(_text({**event, _required(event, rng): None}))


def _with_name_in_other_case(event: Event, rng: Random) -> bytes:
    renamed = _required(event, rng)
    return _encode(
        _text({name.swapcase() if name == renamed else name: v for name, v in event.items()})
    )


def _without_churn(event: Event, _: Random) -> bytes:
    return _encode(_text({name: value for name, value in event.items() if name != "Churn"}))


def _in_any_order(event: Event, rng: Random) -> bytes:
    return _encode(_text(dict(rng.sample(list(event.items()), len(event)))))


def _utf_16(event: Event, _: Random) -> bytes:
    return _text(event).encode("utf-16")


def _utf_16_without_mark(event: Event, _: Random) -> bytes:
    return _text(event).encode("utf-16-le")


def _gzip(event: Event, _: Random) -> bytes:
    return gzip.compress(_encode(_text(event)), mtime=0)


def _many_properties(event: Event, _: Random) -> bytes:
    return _encode(_text({**event, **{f"p{number}": number for number in range(50_000)}}))


BROKEN_KINDS: Final[Mapping[str, Change]] = {
    "tombstone": lambda _, __: None,
    "empty": _around(lambda _: ""),
    "blank": _around(lambda _: "   "),
    "json_null": _around(lambda _: "null"),
    "json_number": _around(lambda _: "123"),
    "json_string": _around(lambda _: '"x"'),
    "json_true": _around(lambda _: "true"),
    "event_in_a_string": _around(json.dumps),
    "not_json": _around(lambda _: "customerID=7590-VHVEG"),
    "xml": _around(lambda _: "<customer id='7590-VHVEG'/>"),
    "empty_object": _around(lambda _: "{}"),
    "empty_array": _around(lambda _: "[]"),
    "array_of_one": _around(lambda text: f"[{text}]"),
    "array_of_two": _around(lambda text: f"[{text},{text}]"),
    "wrapped_in_object": _around(lambda text: f'{{"event":{text}}}'),
    "truncated": _around(lambda text: text[:-10]),
    "without_last_brace": _around(lambda text: text[:-1]),
    "trailing_text": _around(lambda text: f"{text} garbage"),
    "trailing_bracket": _around(lambda text: f"{text}]"),
    "trailing_brace": _around(lambda text: text + "}"),
    "trailing_property": _around(lambda text: f'{text},"x":1'),
    "trailing_nul": _around(lambda text: f"{text}\0"),
    "two_events": _around(lambda text: text + text),
    "two_events_on_two_lines": _around(lambda text: f"{text}\n{text}"),
    "two_events_with_comma": _around(lambda text: f"{text},{text}"),
    "two_arrays_with_comma": _around(lambda text: f"{text}],[{text}"),
    "trailing_comma": _around(lambda text: text[:-1] + ",}"),
    "comment": _around(lambda text: text[:-1] + "/* ok */}"),
    "line_comment": _around(lambda text: f"{text} // ok"),
    "unquoted_name": _around(lambda text: text.replace('"gender"', "gender")),
    "single_quotes": _around(lambda text: text.replace('"', "'")),
    "semicolons": _around(lambda text: text.replace(",", ";")),
    "byte_order_mark": _around(lambda text: f"\ufeff{text}"),
    "no_break_space_before": _around(lambda text: f"\u00a0{text}"),
    "form_feed_before": _around(lambda text: f"\f{text}"),
    "record_separator_before": _around(lambda text: f"\x1e{text}"),
    # As a Schema Registry frames Avro: what follows the schema's id is no JSON.
    "registry_frame_around_other_bytes": _around(lambda text: f"\0\0\0\0\x01\x02{text}"),
    "utf_16": _utf_16,
    "utf_16_without_mark": _utf_16_without_mark,
    "gzip": _gzip,
    "duplicate_name_last_invalid": _around(lambda text: text[:-1] + ',"tenure":101}'),
    "duplicate_name_last_null": _around(lambda text: text[:-1] + ',"tenure":null}'),
    "missing_property": _without_field,
    "null_property": _with_null_field,
    "name_in_other_case": _with_name_in_other_case,
    **{kind: _literal(field, literal) for kind, (field, literal) in BROKEN_FIELDS.items()},
}
"""What `broken_records` deals out."""

HUGE_KINDS: Final[Mapping[str, Change]] = {
    "nested_5000_levels": _literal("gender", "[" * 5_000 + "]" * 5_000),
    "nested_100000_levels": _literal("gender", "[" * 100_000 + "]" * 100_000),
    "string_of_1_mb": _literal("gender", f'"{"M" * 1_000_000}"'),
    "string_of_22_mb": _literal("gender", f'"{"M" * 22_000_000}"'),
    "name_of_60000_characters": _literal("n" * 60_000, "1"),
    "properties_50000": _many_properties,
}
"""What `huge_records` deals out; a broker takes some of them only when configured for it."""

_BORDERLINE_FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "number_too_small": ("MonthlyCharges", "1e-400"),
    "number_minus_zero": ("MonthlyCharges", "-0.0"),
    "number_exponent": ("MonthlyCharges", "2.985E+1"),
    "number_of_200_digits": ("MonthlyCharges", "29.85" + "0" * 200),
    "integer_with_fraction_zero": ("tenure", "5.0"),
    "integer_exponent": ("tenure", "1e0"),
    "integer_minus_zero": ("SeniorCitizen", "-0"),
    "integer_at_its_maximum": ("tenure", "1e2"),
    "total_number": ("TotalCharges", "29"),
    "total_exponent": ("TotalCharges", "1.5e3"),
    "total_text": ("TotalCharges", '"29.85"'),
    "total_text_leading_zeros": ("TotalCharges", '"0029.850"'),
    "total_text_exponent": ("TotalCharges", '"2.985e+1"'),
    "total_blank": ("TotalCharges", '"  "'),
    "total_empty": ("TotalCharges", '""'),
    "escaped_letter": ("Partner", r'"\u0059es"'),
    "escaped_digit": ("customerID", r'"\u0037590-VHVEG"'),
    "time_nanoseconds": ("event_ts", '"2025-01-01T04:00:00.123456789Z"'),
    "time_without_fraction": ("event_ts", '"2025-01-01T04:00:00Z"'),
    "time_plus_zero_zone": ("event_ts", '"2025-01-01T04:00:00+00:00"'),
    "time_leap_day": ("event_ts", '"2024-02-29T23:59:59.999Z"'),
    "time_year_1": ("event_ts", '"0001-01-01T00:00:00Z"'),
    "time_year_9999": ("event_ts", '"9999-12-31T23:59:59Z"'),
    "contradiction": ("MultipleLines", '"No phone service"'),
}

_ODD_KEYS: Final[Mapping[str, bytes | None]] = {
    "key_null": None,
    "key_empty": b"",
    "key_not_utf_8": b"\xff\x00\xfe",
}

BORDERLINE_KINDS: Final[Mapping[str, Change]] = {
    "duplicate_name_last_valid": _around(lambda text: '{"tenure":-1,' + text[1:]),
    "duplicate_name_both_valid": _around(lambda text: '{"tenure":1,' + text[1:]),
    "escaped_name": _around(lambda text: text.replace('"gender"', r'"gend\u0065r"')),
    "white_space_everywhere": lambda event, _: _encode(json.dumps(event, indent="\t ")),
    "white_space_around": _around(lambda text: f" \r\n\t{text}\n \n"),
    "properties_in_any_order": _in_any_order,
    "label_absent": _without_churn,
    **{kind: _around(str) for kind in _ODD_KEYS},
    **{kind: _literal(field, literal) for kind, (field, literal) in _BORDERLINE_FIELDS.items()},
}
"""What `borderline_records` deals out."""
