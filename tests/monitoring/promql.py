"""What PromQL expressions name: metrics, labels. Far from a parser, and enough for our own."""

from __future__ import annotations

import re
from collections.abc import Iterator

KEYWORDS = {
    *("and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring"),
    *("group_left", "group_right", "inf", "nan"),
}
_STRING = re.compile(r'"[^"]*"')
_LABEL_LIST = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
_WORD = re.compile(r"(?<![\w:$.])([a-zA-Z_:][\w:]*)\b(?!\s*\()")


def metrics(expression: str) -> set[str]:
    """Names of metrics and of recorded series."""
    bare = _LABEL_LIST.sub(" ", _STRING.sub('""', expression))
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\boffset\s+\w+", " ", bare)
    return set(_WORD.findall(bare)) - KEYWORDS


def matchers(expression: str) -> Iterator[tuple[str, str]]:
    """Each metric with each label that its selector names."""
    for name, inside in _SELECTOR.findall(_STRING.sub('""', expression)):
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside):
            yield name, label


def grouping(expression: str) -> set[str]:
    """Labels by which the expression groups or joins."""
    lists = _LABEL_LIST.findall(_STRING.sub('""', expression))
    return {label.strip() for found in lists for label in found.split(",") if label.strip()}
