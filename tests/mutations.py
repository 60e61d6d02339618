"""Messages made from valid events by seeded accident."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from random import Random

from churn_tools.customers.broken import borderline_records, broken_records
from churn_tools.customers.synthetic import synthetic_customers

# As JSON text, so that a value can also be one that Python would not write.
_ODD_VALUES = (Path(__file__).parent / "data" / "odd_values.txt").read_text("utf-8").splitlines()
_NAMES = ("x", "Tenure", "_corrupt", "_end_of_message", "a:b", 'q"', "", "customerid", "é")
_BYTES = b'{}[]",:\\ \n\t\x00\x1f\xff\xc3\x28e+-.019aNtfu/'


def messages(seed: int) -> Iterator[bytes | None]:
    """Messages without end: one in five untouched, the others broken, odd or mutated."""
    rng = Random(seed)
    broken, odd = broken_records(seed), borderline_records(seed)
    makers: list[Callable[[dict[str, object]], bytes | None]] = [
        lambda event: _text(event).encode(),
        lambda event: next(broken).value,
        lambda event: next(odd).value,
        lambda event: _with_odd_fields(event, rng).encode(),
        lambda event: _with_odd_bytes(_text(event).encode(), rng),
    ]
    for event, make in zip(synthetic_customers(seed), itertools.cycle(makers), strict=False):
        yield make(dict(event))


def mutated(events: Iterable[Mapping[str, object]], seed: int) -> Iterator[bytes]:
    """A message for each event: one in three untouched, the others odd or mutated."""
    rng = Random(seed)
    for number, event in enumerate(events):
        text = _text(dict(event)).encode()
        odd = _with_odd_fields(dict(event), rng).encode()
        yield (text, odd, _with_odd_bytes(text, rng))[number % 3]


def _text(event: dict[str, object]) -> str:
    return json.dumps(event, separators=(",", ":"))


def _with_odd_fields(event: dict[str, object], rng: Random) -> str:
    pairs = [(name, json.dumps(value)) for name, value in event.items()]
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        action, at = rng.random(), rng.randrange(len(pairs))
        if action < 0.7:
            pairs[at] = (pairs[at][0], rng.choice(_ODD_VALUES))
        elif action < 0.8 and len(pairs) > 1:
            del pairs[at]
        elif action < 0.9:
            pairs.insert(at, (rng.choice(_NAMES), rng.choice(_ODD_VALUES)))
        else:
            pairs.append((pairs[at][0], rng.choice(_ODD_VALUES)))
    space = rng.choice(("", " ", "\n", "\t "))
    return "{" + f",{space}".join(f"{json.dumps(n)}:{space}{v}" for n, v in pairs) + "}" + space


def _with_odd_bytes(message: bytes, rng: Random) -> bytes:
    mutable = bytearray(message)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(mutable))
        action = rng.random()
        if action < 0.5:
            mutable[at] = rng.choice(_BYTES)
        elif action < 0.7:
            mutable.insert(at, rng.choice(_BYTES))
        elif action < 0.9:
            del mutable[at]
        else:
            cut = rng.randrange(len(mutable))
            mutable[at:at] = mutable[cut : cut + rng.randrange(1, 20)]
    return bytes(mutable)
