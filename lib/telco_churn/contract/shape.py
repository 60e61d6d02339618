r"""The shape of a usual message, as one regular expression on its text.

It says which names there may be, of which kind each value is, and which values an enum has: what
would take some hundred expressions takes one. It never matches a message that breaks what it
says; it may fail to match an odd yet valid one, with escapes, for example, which is looked at
more closely then.

All repetitions are possessive or have a limit, so that nothing is tried twice and nothing calls
itself: what a sender writes must not cost more than its length.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable

from telco_churn.contract.patterns import body
from telco_churn.contract.schema import Contract, Field, Schema, limits_of

# RFC 3339, section 5.6, as `jsonschema` checks it: no leap seconds. February has a 29th in years
# that 4 divides, but not 100, unless 400 does; there is no year 0.
_DAY = (
    r"[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_LEAP_DAY = r"(?:(?:[02468][048]|[13579][26])00|[0-9]{2}(?:0[48]|[2468][048]|[13579][26]))-02-29"
_TIME = (
    r"T(?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}(?:\.[0-9]+)?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
DATE_TIME = f"(?!0000)(?:{_DAY}|{_LEAP_DAY}){_TIME}"
"""A date and time by RFC 3339, in capital letters."""

_SPACE = r"[ \t\r\n]{0,99}+"
# Without escapes a string is its own text. U+FFFD is what bytes become that are no UTF-8.
_PLAIN = r'[^"\\\x00-\x1f\ufffd]'
_STRING = f'"{_PLAIN}*+"'
# More digits than a DOUBLE has, fewer than a parser refuses.
_MOST_DIGITS, _BEYOND_DIGITS = 20, 10**20
_NUMBER = r"-?(?:0|[1-9][0-9]{0,19}+)(?:\.[0-9]{1,20}+)?(?:[eE][+-]?[0-9]{1,3}+)?"
_UNKNOWN_VALUE = f"(?:{_STRING}|{_NUMBER}|true|false|null)"


def shape_pattern(contract: Contract) -> str:
    """Matches the text of one flat object whose fields have values of the right kind.

    What it does not say: whether required fields are there, patterns, limits of numbers, and
    whether they are whole.
    """
    values = [(field.name, _value(field)) for field in contract.fields]
    field = _any_field(values, allows_unknown=contract.allows_unknown)
    # Behind a value comes the next field, or the end.
    member = rf'{_SPACE}{field}{_SPACE}(?:,(?={_SPACE}")|(?=\}}))'
    return rf"\A{_SPACE}\{{(?>{member}){{0,999}}+{_SPACE}\}}{_SPACE}\z"


def one_of(values: Iterable[str]) -> str:
    """Matches each of `values`, and nothing where there are none."""
    words = [re.escape(value) for value in values]
    return f"(?:{'|'.join(words)})" if words else "(?!)"


def _any_field(values: Collection[tuple[str, str]], *, allows_unknown: bool) -> str:
    """A name and its value; by first letters, so that a name is not compared with all others."""
    by_letter: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in values:
        by_letter[name[0]].append(f'{name[1:]}"{_SPACE}:{_SPACE}{value}')
    known = [f"{letter}(?>{'|'.join(rests)})" for letter, rests in by_letter.items()]
    if allows_unknown:
        names = "|".join(name for name, _ in values)
        known.append(rf'(?!(?:{names})"){_PLAIN}*+"{_SPACE}:{_SPACE}{_UNKNOWN_VALUE}')
    return f'"(?>{"|".join(known) or "(?!)"})'


def _value(field: Field) -> str:
    kinds = [_value_of(rules) for rules in field.branches or (field.rules,)]
    return f"(?:{'|'.join(kinds)})"


def _value_of(rules: Schema) -> str:
    if rules["type"] != "string":
        return _NUMBER
    if "enum" in rules:
        of_format = DATE_TIME if "format" in rules else f"{_PLAIN}*"
        return f'"{one_of(v for v in rules["enum"] if re.fullmatch(of_format, v))}"'
    if "format" in rules:
        return f'"{DATE_TIME}"'
    return _STRING


def in_order_pattern(contract: Contract) -> str:
    """Finds, in a flat object without escapes, fields that break no rule; group 1 is the name.

    It need not find them all: those with limits are among them where the text shows it at once.
    """
    values = [(f.name, value) for f in contract.fields if (value := _value_in_order(f))]
    field = _any_field(values, allows_unknown=False)
    return rf'(?="(\w++)"){field}(?={_SPACE}[,}}])'


def _value_in_order(field: Field) -> str | None:
    """Matches values that break no rule of a field; None where that is not so easily told."""
    if field.branches:
        # The text of a number may be one that no DOUBLE can hold.
        return next(_within(rules) for rules in field.branches if rules["type"] != "string")
    if not field.has_limits:
        return _value(field)
    if field.rules["type"] != "string":
        return _within(field.rules)
    inside = body(field.rules["pattern"]) if limits_of(field.rules) == {"pattern"} else None
    return None if inside is None else f'(?="(?>{inside})"){_value_of(field.rules)}'


def _within(rules: Schema) -> str | None:
    """Matches numbers from 0 up to all that have fewer digits than the greatest allowed one."""
    greatest = rules.get("maximum", _BEYOND_DIGITS)
    is_told = limits_of(rules) <= {"minimum", "maximum"}
    if not is_told or rules.get("minimum", 0) > 0 or greatest < 1:
        return None
    digits = min(len(str(int(greatest))) - 1, _MOST_DIGITS)
    whole = rf"(?:0|[1-9][0-9]{{0,{digits - 1}}}+)" if digits else "0"
    return whole if rules["type"] == "integer" else rf"{whole}(?:\.[0-9]{{1,{_MOST_DIGITS}}}+)?"
