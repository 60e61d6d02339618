"""What a log calls a record: its key, a keyed hash of it, or nothing."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

from stream_telemetry.logs.lines import cut
from telco_churn.errors import SettingsError
from telco_churn.outcome.settings import MessageIdSettings

MAX_CHARS = 100
# 128 bits are enough for no two keys to share a name.
_HASH_BYTES = 16
_LEAST_KEY_BYTES = 16

MessageId = Callable[[bytes | None], str | None]


def plain_id(key: bytes | None) -> str | None:
    """The key as text; bytes that are not UTF-8 are escaped, a long one is cut."""
    return None if key is None else cut(key.decode("utf-8", "backslashreplace"), MAX_CHARS)


def make_message_id(settings: MessageIdSettings) -> MessageId:
    """A function from a record's key to its name in the log.

    Args:
        settings: say how, and which file holds the secret of the hash (HMAC-SHA256, its first 16
            bytes); with it a customer's lines can be found, without it nobody can tell whose they
            are.

    Raises:
        SettingsError: the secret is missing or too short.
    """
    kind, key_file = settings.log_message_id, settings.log_key_file
    if kind == "plain":
        return plain_id
    if kind == "off":
        return lambda key: None
    if key_file is None:
        raise SettingsError("--log-message-id hashed needs a secret; name its file: --log-key-file")
    secret = _secret(key_file)

    def hashed_id(key: bytes | None) -> str | None:
        """The key's hash, in hex."""
        if key is None:
            return None
        # Without a secret, hashing every possible id would tell whose line it is.
        return hmac.digest(secret, key, hashlib.sha256)[:_HASH_BYTES].hex()

    return hashed_id


def _secret(path: Path) -> bytes:
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"log key file {path} cannot be read ({error.strerror})") from error
    if len(secret) < _LEAST_KEY_BYTES:
        raise SettingsError(
            f"log key file {path} holds {len(secret)} bytes; write at least {_LEAST_KEY_BYTES}, "
            "e.g. openssl rand -hex 32"
        )
    return secret
