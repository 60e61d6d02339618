"""A Kafka that is some milliseconds away: a real one, behind a proxy that holds all bytes back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sandbox.kafka.broker import KafkaBroker
from sandbox.ports import LOOPBACK, free_port

_CHUNK_BYTES = 65_536


@contextmanager
def far_broker(directory: Path, milliseconds: float) -> Iterator[tuple[str, str]]:
    """Bootstrap servers of one broker: far away, and near for what is not to be measured.

    The broker says of itself that it is at the far address, so clients go there once they know; of
    what is asked at the near one, only the first words are quick.

    Args:
        directory: where the broker keeps everything.
        milliseconds: that each byte takes, there and back alike.
    """
    near = free_port()
    proxy = _Proxy(near, milliseconds / 1000)
    far = proxy.start()
    advertised = {"advertised.listeners": f"PLAINTEXT://{far}"}
    try:
        with KafkaBroker(directory, near, advertised) as broker:
            yield far, broker.bootstrap_servers
    finally:
        proxy.stop()


class _Proxy:
    """Passes on what comes, in order, each chunk after the same time."""

    def __init__(self, target: int, seconds: float) -> None:
        self._target = target
        self._seconds = seconds
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> str:
        """Begins to listen; gives the address."""
        self._thread.start()
        listening = asyncio.start_server(self._serve, LOOPBACK, 0)
        server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)
        return f"{LOOPBACK}:{server.sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        """Passes nothing on any more."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, questions = await asyncio.open_connection(LOOPBACK, self._target)
        except ConnectionError:
            writer.close()
            return
        await asyncio.gather(self._pass(reader, questions), self._pass(answers, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        deliver = asyncio.ensure_future(self._deliver(chunks, writer))
        chunk = b"-"
        while chunk:
            try:
                chunk = await reader.read(_CHUNK_BYTES)
            except ConnectionError:
                chunk = b""
            chunks.put_nowait((self._loop.time() + self._seconds, chunk))
        await deliver

    async def _deliver(
        self, chunks: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        with suppress(ConnectionError):
            while True:
                due, chunk = await chunks.get()
                await asyncio.sleep(due - self._loop.time())
                if not chunk:
                    break
                writer.write(chunk)
                await writer.drain()
        writer.close()
