from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stream_telemetry.security.kafka_config import KafkaConfig

Reader = Callable[..., KafkaConfig]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a file that its owner alone may read."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, "utf-8")
        path.chmod(0o600)
        return path

    return write


@pytest.fixture
def read(write: Callable[[str, str], Path]) -> Reader:
    """What a file with these lines says."""
    return lambda *lines: KafkaConfig.read(write("kafka.properties", "\n".join(lines)))
