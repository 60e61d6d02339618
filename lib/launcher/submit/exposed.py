"""Secrets on command lines, where everybody on this machine can read them while the job runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from launcher.jvm import given_flags
from launcher.submit.spark_settings import SparkSettings
from stream_telemetry.values import has_login

_SECRET = re.compile(
    r"(?i)((secret|password|passwd|passphrase|token)([._-]?key)?|(access|private|api)[._-]?key"
    r"|account[.]key[.].*)$"
)
# They name secrets of Kubernetes, and hold none.
_NAMES_ONE = re.compile(r"spark[.]kubernetes[.]\w+[.](secrets|secretKeyRef)[.]")
_PROPERTY = re.compile(r"-D([^=]+)=(.*)")


def exposed(settings: SparkSettings) -> Iterator[str]:
    """A line for each setting of Spark, and each property of its JVM, that looks like a secret."""
    for key, value in settings.typed.items():
        if _is_secret(key, value):
            yield (
                f"--conf {key} is a secret that everybody on this machine can read; put it into a "
                "file, and that behind --load-spark-defaults --properties-file"
            )
    for match in filter(None, map(_PROPERTY.fullmatch, given_flags(settings))):
        if _is_secret(match[1], match[2]):
            yield (
                f"-D{match[1]} is a secret that everybody on this machine can read on the JVM's "
                "command line; leave it out there"
            )


def _is_secret(key: str, value: str) -> bool:
    if _NAMES_ONE.match(key):
        return False
    return bool(value) and (_SECRET.search(key) is not None or has_login(value))
