"""Settings of a client that follow the file they come from."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from stream_telemetry.errors import KafkaConfigError
from stream_telemetry.logs.rate_limit import News
from stream_telemetry.security.kafka_config import KafkaConfig

log = logging.getLogger(__name__)

_REPEAT_SECONDS = 60.0


class LiveClient(Mapping[str, str]):
    """What a client that is made now has to be told; read again once a file was replaced.

    A replacement that cannot be used is told in the log, and the settings stay what they were.
    """

    def __init__(
        self,
        servers: str,
        path: Path | None,
        translated: Callable[[KafkaConfig], Mapping[str, str]],
    ) -> None:
        """Reads the file.

        Args:
            servers: the bootstrap servers.
            path: of the file; None for none.
            translated: the file's settings for the client.

        Raises:
            KafkaConfigError: the file cannot be used.
        """
        self._servers = {"bootstrap.servers": servers}
        self._path = path
        self._translated = translated
        self._news = News(_REPEAT_SECONDS)
        self._settings: Mapping[str, str] = self._servers
        self._config: KafkaConfig | None = None
        self._seen = ""
        if path is not None:
            self._read(path)

    @property
    def stamp(self) -> str:
        """Another text when one of the files was replaced."""
        return self._config.stamp() if self._config else ""

    @property
    def is_stale(self) -> bool:
        """Whether a file was replaced after the settings were last taken."""
        return self.stamp != self._seen

    def __getitem__(self, name: str) -> str:
        return self._current()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def _current(self) -> Mapping[str, str]:
        if self._path is not None and self.is_stale:
            try:
                self._read(self._path)
            except KafkaConfigError as error:
                if self._news.is_news("read"):
                    log.warning("%s; what it said before is kept", error)
        return self._settings

    def _read(self, path: Path) -> None:
        config = KafkaConfig.read(path)
        self._seen = config.stamp()
        self._settings = {**self._servers, **self._translated(config)}
        self._config = config


def stamp_of(client: Mapping[str, str]) -> str:
    """Another text when the files were replaced that these settings come from, if any were."""
    return client.stamp if isinstance(client, LiveClient) else ""
