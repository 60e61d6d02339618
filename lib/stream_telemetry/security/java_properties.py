"""Properties files, as `java.util.Properties` reads them."""

from __future__ import annotations

import re

# A backslash at the end of a line joins it to the next one, unless another is before it.
_JOINED = re.compile(r"(?<!\\)((?:\\\\)*)\\(?:\r\n|\r|\n)[ \t\f]*")
# A blank, an equals sign or a colon ends the name, unless a backslash is before it.
_PROPERTY = re.compile(r"((?:\\.|[^\\\s=:])*)[ \t\f]*[=:]?[ \t\f]*(.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}


def properties_in(text: str) -> dict[str, str]:
    """The properties in a file; blanks at the end of a value belong to it."""
    properties = {}
    for line in re.split(r"\r\n|\r|\n", _JOINED.sub(r"\1", text)):
        stripped = line.lstrip(" \t\f")
        if stripped and stripped[0] not in "#!":
            match = _PROPERTY.match(stripped)
            assert match is not None  # every text matches
            name, value = (_ESCAPE.sub(_character, part) for part in match.groups())
            properties[name] = value
    return properties


def _character(escape: re.Match[str]) -> str:
    code = escape[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else _CONTROL.get(code, code)
