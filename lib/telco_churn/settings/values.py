"""What a setting's text may be; each function raises ValueError with what is wrong with it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

from telco_churn.outcome.message_ids import MESSAGE_IDS
from telco_churn.settings.options import OFF

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def parse_text(value: str) -> str:
    """Text that is not blank."""
    if not value.strip():
        raise ValueError("is empty")
    return value.strip()


def parse_topic(value: str) -> str:
    """A topic's name."""
    # Kafka's own rule for names (org.apache.kafka.common.internals.Topic).
    if not re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", value) or value in (".", ".."):
        raise ValueError("is not a topic name; use letters, digits, '.', '_' and '-'")
    return value


def parse_broker(value: str) -> str:
    """A list of bootstrap servers."""
    for server in value.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError("is not a list of bootstrap servers; write host:port[,host:port]")
    return value


def parse_port(value: str) -> int | None:
    """A port; None for off."""
    if value == OFF:
        return None
    if not value.isdigit() or int(value) > 65535:
        raise ValueError("is not a port; use 0 (any free one) to 65535, or off")
    return int(value)


def parse_positive(value: str) -> int:
    """A whole number of at least 1."""
    if not value.isdigit() or int(value) < 1:
        raise ValueError("must be a whole number of at least 1")
    return int(value)


def parse_count(value: str) -> int:
    """A whole number, 0 too."""
    if not value.isdigit():
        raise ValueError("must be a whole number, 0 or more")
    return int(value)


def parse_on_data_loss(value: str) -> str:
    """What to do about records that are gone."""
    if value not in ("fail", "continue"):
        raise ValueError("is neither fail nor continue")
    return value


def parse_url(value: str) -> str | None:
    """An http(s) URL; None for off."""
    if value == OFF:
        return None
    try:
        parts = urlsplit(value)
        is_url = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # of a port that is no number
        is_url = False
    if not is_url:
        raise ValueError("is not an http(s) URL; write http://host:9091, or off")
    return value


def parse_file(value: str) -> Path | None:
    """A file that is there; None for off."""
    if value == OFF:
        return None
    if not Path(value).is_file():
        raise ValueError("is not a file; name one, or off")
    return Path(value)


def parse_directory(value: str) -> Path | None:
    """A directory, there or not; None for off."""
    return None if value == OFF else Path(parse_text(value))


def parse_message_id(value: str) -> str:
    """How the log names a record."""
    if value not in MESSAGE_IDS:
        raise ValueError(f"is none of {', '.join(MESSAGE_IDS)}")
    return value


def parse_switch(value: str) -> bool:
    """True for on, False for off."""
    if value not in ("on", OFF):
        raise ValueError("is neither on nor off")
    return value == "on"


def parse_log_level(value: str) -> str:
    """A log level."""
    if value.upper() not in LOG_LEVELS:
        raise ValueError(f"is not a log level; use one of {', '.join(LOG_LEVELS)}")
    return value.upper()


def parse_starting_offsets(value: str) -> str:
    """Where a new checkpoint begins, as Spark takes it."""
    if value in ("earliest", "latest"):
        return value
    try:
        is_object = isinstance(json.loads(value), dict)
    except ValueError:
        is_object = False
    if not is_object:
        raise ValueError('must be earliest, latest, or JSON such as {"topic":{"0":42}}')
    return value
