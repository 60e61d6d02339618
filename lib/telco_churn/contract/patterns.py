r"""The one translator of a contract's patterns, for the two engines that check them.

JSON Schema means regular expressions of ECMA 262. Java (Spark's `rlike`) and Python (the producer)
read most of them alike, and some differently without an error: `$` before a last line feed, `\s`
but
for the no-break space, `[a&&b]` as an intersection. So a pattern is taken apart and written anew
in what both read alike; what has no counterpart is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise

Ranges = list[tuple[int, int]]
"""Code points, each from a first to a last one."""

_ESCAPE = (
    r"\\(?:u\{[0-9A-Fa-f]{1,6}\}|u(?![dD][89A-Fa-f])[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|c[A-Za-z]"
    r"|0(?![0-9])|[tnvfrdDwWsSb]|[-^$\\.*+?()\[\]{}|/])"
)
_TOKEN = re.compile(
    rf"(?P<edge>[\^$]|\\[bB])"
    r"|(?P<quantifier>(?:[*+?]|\{[0-9]{1,9}(?:,(?:[0-9]{1,9})?)?\})\??)"
    r"|(?P<group>\((?:\?(?:[:=!]|<[A-Za-z_]\w*>))?)"
    r"|(?P<structure>[)|])"
    r"|(?P<set>\[\^?(?:\\.|[^\\\]])*\])"
    rf"|(?P<atom>{_ESCAPE}|[^\\()\[\]{{}}|])",
    re.DOTALL | re.ASCII,
)
_MEMBER = re.compile(rf"({_ESCAPE}|[^\\])(?:-({_ESCAPE}|[^\\]))?", re.DOTALL | re.ASCII)

_LAST, _QUOTE = 0x10FFFF, 0x22
_LOOKS = ("(?=", "(?!")
_ANY = "(?s:.)"
_DIGITS: Ranges = [(0x30, 0x39)]
_WORD: Ranges = [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)]
# ECMA 262, WhiteSpace and LineTerminator: blanks of any script and the byte order mark.
_SPACE: Ranges = [
    *((0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A)),
    *((0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
]
_LINE_ENDS: Ranges = [(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)]
_CLASSES = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_CONTROLS = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D, "b": 0x08, "0": 0x00}


@cache
def translated(pattern: str) -> str:
    """The pattern with its meaning in ECMA 262, as Java and Python both read it.

    Groups in it only group: nothing refers back to them.

    Raises:
        ValueError: it is no such pattern, or uses what one of the two cannot express.
    """
    written, before = [], ""
    for kind, token in _tokens(pattern):
        if kind == "quantifier" and before not in ("atom", "set", ")"):
            raise ValueError(f"{token} repeats nothing")
        written.append(_WRITERS[kind](token))
        before = token if kind == "structure" else kind
    try:
        # Finds what single tokens do not show, such as a group that is not closed.
        re.compile("".join(written))
    except re.error as error:
        raise ValueError(error.msg) from error
    return "".join(written)


def body(pattern: str) -> str | None:
    """What a pattern matches between `^` and `$`, translated.

    None unless it is one from end to end, by tokens alone, and none of them can be a quotation
    mark: where such text is found between two of these, it is all that stands there.
    """
    tokens = [*_tokens(pattern)]
    inner = tokens[1:-1]
    if [*tokens[:1], *tokens[-1:]] != [("edge", "^"), ("edge", "$")]:
        return None
    depth = 0
    for kind, token in inner:
        depth += (kind == "group") - (token == ")")
        is_choice_of_wholes = token == "|" and not depth
        if is_choice_of_wholes or kind == "edge" or token in _LOOKS or _may_be_quote(kind, token):
            return None
    return "".join(_WRITERS[kind](token) for kind, token in inner)


def _may_be_quote(kind: str, token: str) -> bool:
    if kind == "atom":
        return token == "." or _has_quote(_code_points(token))
    return kind == "set" and (token.startswith("[^") or _has_quote(_ranges(token[1:-1])))


def _has_quote(ranges: Ranges) -> bool:
    return any(first <= _QUOTE <= last for first, last in ranges)


def _tokens(pattern: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None or token.lastgroup is None:
            raise ValueError(f"{pattern[at : at + 3]} has no meaning that all engines share")
        yield token.lastgroup, token[0]
        at = token.end()


def _edge(token: str) -> str:
    word = _written_set(_WORD)
    return {
        "^": "^",
        "$": f"(?!{_ANY})",
        # Java's own took letters of any script for a word's until version 19.
        r"\b": f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))",
        r"\B": f"(?:(?<={word})(?={word})|(?<!{word})(?!{word}))",
    }[token]


def _group(token: str) -> str:
    return token if token in _LOOKS else "(?:"


def _atom(token: str) -> str:
    if token == ".":
        return _written_set(_LINE_ENDS, "^")
    ranges = _code_points(token)
    return _written(ranges[0][0]) if _is_single(ranges) else _written_set(ranges)


def _set(token: str) -> str:
    sign, members = ("^", token[2:-1]) if token.startswith("[^") else ("", token[1:-1])
    ranges = _ranges(members)
    if not ranges:
        return _ANY if sign else "(?!)"
    return _written_set(ranges, sign)


def _ranges(members: str) -> Ranges:
    ranges: Ranges = []
    at = 0
    while at < len(members):
        member = _MEMBER.match(members, at)
        if member is None:
            raise ValueError(f"{members[at : at + 2]} has no meaning that all engines share")
        ranges += _member(member)
        at = member.end()
    return ranges


def _member(member: re.Match[str]) -> Ranges:
    first = _code_points(member[1])
    if member[2] is None:
        return first
    last = _code_points(member[2])
    if not _is_single(first) or not _is_single(last) or first > last:
        raise ValueError(f"{member[0]} is no range")
    return [(first[0][0], last[0][0])]


def _code_points(token: str) -> Ranges:
    if not token.startswith("\\"):
        return [(ord(token), ord(token))]
    letter = token[1]
    if letter in "dws":
        return _CLASSES[letter]
    if letter in "DWS":
        return _others(_CLASSES[letter.lower()])
    if letter in _CONTROLS:
        code = _CONTROLS[letter]
    elif letter in "ux":
        code = int(token[2:].strip("{}"), 16)
    elif letter == "c":
        code = ord(token[2]) % 32
    else:
        code = ord(letter)
    if code > _LAST or 0xD800 <= code <= 0xDFFF:
        raise ValueError(f"{token} is no character")
    return [(code, code)]


def _others(ranges: Ranges) -> Ranges:
    edges = [(-1, -1), *ranges, (_LAST + 1, _LAST + 1)]
    return [(a[1] + 1, b[0] - 1) for a, b in pairwise(edges) if a[1] + 1 < b[0]]


def _is_single(ranges: Ranges) -> bool:
    return len(ranges) == 1 and ranges[0][0] == ranges[0][1]


def _written_set(ranges: Ranges, sign: str = "") -> str:
    parts = (_written(a) if a == b else f"{_written(a)}-{_written(b)}" for a, b in ranges)
    return f"[{sign}{''.join(parts)}]"


def _written(code: int) -> str:
    character = chr(code)
    if character.isascii() and character.isprintable():
        return character if character.isalnum() or character in "_ " else f"\\{character}"
    # Beyond four digits the two write it in different ways.
    return f"\\u{code:04x}" if code < 0x10000 else character


_WRITERS: dict[str, Callable[[str], str]] = {
    "edge": _edge,
    "quantifier": str,
    "group": _group,
    "structure": str,
    "set": _set,
    "atom": _atom,
}
