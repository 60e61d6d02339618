"""A broker at the end of a link that takes little in each direction, or brings answers late."""

from __future__ import annotations

import asyncio
import math
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.kafka.broker import KafkaBroker
from sandbox.ports import LOOPBACK, free_port

PIECE_BYTES = 2_048
KERNEL_BYTES = 16_384
"""What the kernel may hold of a connection, or it would take megabytes at once."""


@dataclass
class Link:
    """What a link does to all that it carries; may be changed while it is used.

    Attributes:
        rate: bytes a second, of all connections together, in each direction.
        late: seconds by which each answer comes later.
    """

    rate: float = math.inf
    late: float = 0.0


@contextmanager
def broker_behind(link: Link, directory: Path) -> Iterator[tuple[KafkaBroker, str]]:
    """A broker with an address of its own, and the one at the far end of the link."""
    near, behind, far, controller = (free_port() for _ in range(4))
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
    with broker, _carrying(link, far, behind):
        yield broker, f"{LOOPBACK}:{far}"


@contextmanager
def _carrying(link: Link, far: int, behind: int) -> Iterator[None]:
    carrier = _Carrier(link, behind)
    thread = threading.Thread(target=lambda: asyncio.run(carrier.listen(far)))
    thread.start()
    assert carrier.listens.wait(10)
    try:
        yield
    finally:
        carrier.end()
        thread.join()


class _Carrier:
    def __init__(self, link: Link, behind: int) -> None:
        self._link = link
        self._behind = behind
        self.listens = threading.Event()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)

    async def listen(self, port: int) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._up, self._down = asyncio.Lock(), asyncio.Lock()
        listener = socket.create_server((LOOPBACK, port))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BYTES)
        server = await asyncio.start_server(self._connect, sock=listener, limit=PIECE_BYTES)
        self.listens.set()
        await self._ended.wait()
        server.close()

    async def _connect(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        try:
            connection = socket.create_connection((LOOPBACK, self._behind))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BYTES)
            broker, send = await asyncio.open_connection(sock=connection, limit=PIECE_BYTES)
        except OSError:
            answer.close()
            return
        answers: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        try:
            await asyncio.gather(
                self._pass_on(client, send), self._take(broker, answers), _give(answers, answer)
            )
        finally:
            send.close()
            answer.close()

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await source.read(PIECE_BYTES):
                await self._carry(piece, self._up)
                sink.write(piece)
                await sink.drain()
        sink.close()

    async def _take(
        self, source: asyncio.StreamReader, pieces: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        piece = b"-"
        while piece:
            try:
                piece = await source.read(PIECE_BYTES)
            except OSError:
                piece = b""
            await self._carry(piece, self._down)
            pieces.put_nowait((asyncio.get_running_loop().time() + self._link.late, piece))

    async def _carry(self, piece: bytes, direction: asyncio.Lock) -> None:
        async with direction:
            await asyncio.sleep(len(piece) / self._link.rate)


async def _give(pieces: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            if not piece:
                break
            sink.write(piece)
            await sink.drain()
    sink.close()
