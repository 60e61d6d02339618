"""The settings of the lines about single records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stream_telemetry.options import OFF, option
from stream_telemetry.values import choice, or_off, secret_file

MESSAGE_IDS = ("plain", "hashed", "off")


@dataclass(frozen=True, kw_only=True)
class MessageIdSettings:
    """Names of records in the log."""

    log_message_id: str = option(
        "plain",
        f"the record's key in its log line: {', '.join(MESSAGE_IDS)}",
        parse=choice(*MESSAGE_IDS),
        metavar="HOW",
    )
    log_key_file: Path | None = option(
        OFF, "secret for hashed keys", parse=or_off(secret_file), metavar="FILE", is_secret=True
    )
