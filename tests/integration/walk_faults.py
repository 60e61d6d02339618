"""Faults that a machine, a disk, a producer can bring upon a job."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path

from confluent_kafka import Producer
from load import TICK_SECONDS, meanwhile

from churn_tools.customers.synthetic import synthetic_customers


@contextmanager
def small_disk(directory: Path) -> Iterator[None]:
    """A directory that is a disk of its own; only root may make one."""
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs", str(directory)]
    subprocess.run(mount, check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


@contextmanager
def full(directory: Path) -> Iterator[None]:
    """A disk without any room, while it lasts."""
    rest = directory / "rest"
    with rest.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    try:
        yield
    finally:
        rest.unlink()


@contextmanager
def no_directory(directory: Path) -> Iterator[None]:
    """A file where a directory should be, while it lasts."""
    away = directory.with_name("away")
    directory.rename(away)
    directory.write_text("no directory")
    try:
        yield
    finally:
        directory.unlink()
        away.rename(directory)


@contextmanager
def starved(process: subprocess.Popen[str], run: float, rest: float) -> Iterator[None]:
    """A process that gets the CPU for so many seconds, then none for so many, while it lasts."""

    def stop_for_a_while() -> None:
        process.send_signal(signal.SIGSTOP)
        time.sleep(rest)
        process.send_signal(signal.SIGCONT)

    with meanwhile(stop_for_a_while, run):
        yield


@contextmanager
def coming(broker: str, topic: str, rate: int, *values: bytes, made: float = 0.0) -> Iterator[None]:
    """So many records a second come into the first partition, while it lasts.

    Args:
        broker: bootstrap servers.
        topic: theirs.
        rate: how many.
        values: of the records, in turn.
        made: when, in seconds since 1970; 0 for now.
    """
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 5, "log_level": 0})
    texts = cycle(values)

    def send() -> None:
        for _ in range(int(rate * TICK_SECONDS)):
            producer.produce(topic, next(texts), partition=0, timestamp=int(made * 1000))
        producer.poll(0)

    try:
        with meanwhile(send):
            yield
    finally:
        assert producer.flush(30) == 0


def customer() -> bytes:
    return json.dumps(next(synthetic_customers(1))).encode()
