"""References to what is kept elsewhere: `${file:/path:key}` and `${env:NAME}` (KIP-421).

Kafka's Java client follows them inside itself, once; librdkafka knows none, so for it we do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from stream_telemetry.errors import KafkaConfigError
from stream_telemetry.security.java_properties import properties_in

# As Kafka reads them (org.apache.kafka.common.config.ConfigTransformer).
_REFERENCE = re.compile(r"\$\{([^}]*?):(?:([^}]*?):)?([^}]*?)\}")
_CLASSES = "org.apache.kafka.common.config.provider"


def has_references(text: str) -> bool:
    """Whether something in the text is kept elsewhere."""
    return _REFERENCE.search(text) is not None


def files_in(text: str) -> Iterator[Path]:
    """The files that the text refers to."""
    yield from (Path(match[2]) for match in _REFERENCE.finditer(text) if match[1] == "file")


def followed(name: str, text: str) -> str:
    """The text with what its references stand for.

    Args:
        name: of the property that it is the value of, for errors.
        text: the value as it is written.

    Raises:
        KafkaConfigError: there is nothing where a reference leads.
    """
    return _REFERENCE.sub(lambda match: _value(name, match), text)


def reference_to(path: Path, key: str) -> str:
    """A reference to a property in a file.

    Raises:
        KafkaConfigError: a reference cannot hold the file's name.
    """
    if re.search(r"[:}]", str(path)):
        raise KafkaConfigError(
            f"{path}: Java cannot be referred to a file with ':' or '}}' in its name; rename it"
        )
    return f"${{file:{path}:{key}}}"


def providers(files: Iterator[Path] | tuple[Path, ...]) -> dict[str, str]:
    """Settings of the Java client by which it follows references, to these files alone."""
    settings = {
        "config.providers": "file,env",
        "config.providers.file.class": f"{_CLASSES}.FileConfigProvider",
        "config.providers.env.class": f"{_CLASSES}.EnvVarConfigProvider",
    }
    if allowed := ",".join(sorted({str(path) for path in files})):
        settings["config.providers.file.param.allowed.paths"] = allowed
    return settings


def _value(name: str, match: re.Match[str]) -> str:
    provider, path, key = match[1], match[2], match[3]
    if provider == "env" and path is None:
        if (value := os.environ.get(key)) is None:
            raise KafkaConfigError(f"{name}: the environment variable {key} is not set; set it")
        return value
    if provider != "file" or not path:
        raise KafkaConfigError(
            # It may be a part of a password.
            f"{name}: what stands in ${{…}} is no reference; write ${{file:/path:key}} or "
            "${env:NAME}"
        )
    if not Path(path).is_absolute():
        raise KafkaConfigError(
            f"{name}: {match[0]} depends on the directory; write the whole path of {path}"
        )
    try:
        found = properties_in(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise KafkaConfigError(f"{name}: {path} cannot be read ({_reason(error)})") from error
    if key not in found:
        raise KafkaConfigError(f"{name}: {path} has no line {key}=…; write it")
    return found[key]


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return str(error.strerror) if isinstance(error, OSError) else "it is not UTF-8"
