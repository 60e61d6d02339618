"""A broker at the end of a link that takes little in each direction."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sandbox.kafka.broker import KafkaBroker
from sandbox.ports import LOOPBACK, free_port

PIECE_BYTES = 2_048
KERNEL_BYTES = 16_384
"""What the kernel may hold of a connection, or it would take megabytes at once."""


@contextmanager
def broker_behind_a_link(directory: Path, rate: int) -> Iterator[tuple[KafkaBroker, str]]:
    """A broker with an address of its own, and the one at the far end of the link.

    Args:
        directory: of the broker.
        rate: bytes a second, of all connections together, in each direction.
    """
    near, behind, far = free_port(), free_port(), free_port()
    controller = free_port()
    broker = KafkaBroker(
        directory,
        near,
        {
            "listeners": f"PLAINTEXT://{LOOPBACK}:{near},FAR://{LOOPBACK}:{behind},"
            f"CONTROLLER://{LOOPBACK}:{controller}",
            "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{near},FAR://{LOOPBACK}:{far}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,FAR:PLAINTEXT,"
            "CONTROLLER:PLAINTEXT",
            "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
            "inter.broker.listener.name": "PLAINTEXT",
        },
    )
    with broker, _link(far, behind, rate):
        yield broker, f"{LOOPBACK}:{far}"


@contextmanager
def _link(far: int, behind: int, rate: int) -> Iterator[None]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    link = _Link(behind, rate)
    listening = asyncio.run_coroutine_threadsafe(link.listen(far), loop).result(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(listening.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


class _Link:
    def __init__(self, behind: int, rate: int) -> None:
        self._behind = behind
        self._rate = rate

    async def listen(self, port: int) -> asyncio.Server:
        self._up, self._down = asyncio.Lock(), asyncio.Lock()
        listener = socket.create_server((LOOPBACK, port))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BYTES)
        return await asyncio.start_server(self._connect, sock=listener, limit=PIECE_BYTES)

    async def _connect(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            connection = socket.create_connection((LOOPBACK, self._behind))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BYTES)
            broker, send = await asyncio.open_connection(sock=connection, limit=PIECE_BYTES)
            await asyncio.gather(
                self._pass_on(client, send, self._up), self._pass_on(broker, answer, self._down)
            )

    async def _pass_on(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, direction: asyncio.Lock
    ) -> None:
        with suppress(OSError):
            while piece := await source.read(PIECE_BYTES):
                async with direction:
                    await asyncio.sleep(len(piece) / self._rate)
                sink.write(piece)
                await sink.drain()
        sink.close()
