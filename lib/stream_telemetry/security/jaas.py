"""Logins as Java's clients write them: `sasl.jaas.config`, one login module and its options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from stream_telemetry.errors import KafkaConfigError
from stream_telemetry.security.references import followed, has_references

_PACKAGE = "org.apache.kafka.common.security"
MODULES = {
    "PLAIN": f"{_PACKAGE}.plain.PlainLoginModule",
    "SCRAM-SHA-256": f"{_PACKAGE}.scram.ScramLoginModule",
    "SCRAM-SHA-512": f"{_PACKAGE}.scram.ScramLoginModule",
    "OAUTHBEARER": f"{_PACKAGE}.oauthbearer.OAuthBearerLoginModule",
}
"""The mechanisms that both clients know, and Java's login module for each."""

SECRETS = ("password", "clientSecret")
"""Options that nobody else may read."""
NAME = "sasl.jaas.config"
_LOGIN = re.compile(r"\s*([\w.$]+)\s+(?i:required|requisite|sufficient|optional)\b(.*);\s*", re.S)
_OPTION = re.compile(r"""\s*([\w.]+)\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"';]+)""", re.S)


@dataclass(frozen=True)
class Login:
    """A login module and its options, what they refer to in place."""

    module: str
    options: Mapping[str, str] = field(repr=False)


def written(mechanism: str, options: Mapping[str, str]) -> str:
    """A login as Java takes it; raises KafkaConfigError for what a reference cannot hand over.

    Args:
        mechanism: one of `MODULES`.
        options: of its module; values may be references.
    """
    pairs = "".join(f' {name}="{value}"' for name, value in options.items())
    text = f"{MODULES[mechanism]} required{pairs};"
    read(text)
    return text


def read(text: str) -> Login:
    """The login that a `sasl.jaas.config` asks for.

    Raises:
        KafkaConfigError: it is none, or mixes secrets with references.
    """
    match = _LOGIN.fullmatch(text)
    rest, options = (match[2] if match else ""), {}
    while found := _OPTION.match(rest):
        options[found[1]] = found[2]
        rest = rest[found.end() :]
    if match is None or rest.strip():
        raise KafkaConfigError(
            f"{NAME} is no login that can be read; write: {MODULES['PLAIN']} required "
            'username="…" password="…";'
        )
    if has_references(text):
        _check_secrets(options)
    return Login(match[1], {name: _plain(name, value) for name, value in options.items()})


def _check_secrets(options: Mapping[str, str]) -> None:
    # As a whole it can neither be referred to nor be shown.
    for name in SECRETS:
        if name in options and not has_references(options[name]):
            raise KafkaConfigError(
                f"{NAME} refers to other files, but not for its {name}; move that there too"
            )


def _plain(name: str, value: str) -> str:
    is_quoted = value[0] in "\"'"
    text = value[1:-1] if is_quoted else value
    if not has_references(text):
        return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL) if is_quoted else text
    found = followed(NAME, text)
    # Java puts it in place as it is, before it reads quotes and escapes.
    if not is_quoted or re.search(r"[\"'\\\n]", found):
        raise KafkaConfigError(
            f"the {name} of the login is a reference without quotes, or to text with a quote or "
            f"backslash, which Java misreads; write the whole {NAME} into the file, each of them "
            "with a backslash before it"
        )
    return found
