"""One driver at a time on a checkpoint, on a file system that has no locks.

A lease is a numbered file that only one driver can create, and that this driver writes again and
again. If it stops changing, the driver is dead, and the one that creates the next number takes
over. No clocks are compared, and only the holder of a later lease deletes one.
"""

from __future__ import annotations

import json
import logging
import math
import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from py4j.protocol import Py4JError

from stream_telemetry.checkpoint.files import (
    AlreadyThereError,
    CheckpointFileError,
    CheckpointFiles,
    DamagedFileError,
)
from stream_telemetry.loop import Loop

FOLDER = "leases"
BEAT_SECONDS = 5.0
"""How often a lease is written again."""
# Six beats, so that a few that fail do not end a lease.
EXPIRY_SECONDS = 30.0
"""A lease that has not changed for this long is over, if its process cannot be looked for."""

_RELEASE_SECONDS = 5.0

log = logging.getLogger(__name__)


class LeaseTakenError(Exception):
    """Another driver is alive and has the lease; says which."""


class Lease:
    """The right to use a checkpoint, as long as it is renewed."""

    def __init__(self, files: CheckpointFiles, on_loss: Callable[[str], None]) -> None:
        """Prepares it; nothing is written yet.

        Args:
            files: of the checkpoint.
            on_loss: called once, from another thread, if somebody else takes the lease over.
        """
        self._files = files
        self._on_loss = on_loss
        self._me = {"owner": str(uuid.uuid4()), **_this_process()}
        self._number = 0
        self._beats = 0
        self._is_lost = False
        self._renewal = Loop("checkpoint-lease", self._renew)

    def take(self) -> None:
        """Takes the lease, and keeps it from then on; waits to see whether an older one is over.

        Raises:
            LeaseTakenError: it is not.
            CheckpointFileError: the file cannot be written.
        """
        while not self._number:
            newest = max(self._numbers(), default=0)
            if newest:
                self._await_end(f"{FOLDER}/{newest}")
            # Another driver was faster: the next round looks at its lease.
            with suppress(AlreadyThereError):
                self._files.create(f"{FOLDER}/{newest + 1}", self._text())
                self._number = newest + 1
        for number in self._numbers():
            if number < self._number:
                self._files.delete(f"{FOLDER}/{number}")
        self._renewal.start()

    def release(self) -> None:
        """Gives the lease back; one that cannot be deleted runs out."""
        self._renewal.end(_RELEASE_SECONDS)
        with suppress(CheckpointFileError, Py4JError, OSError):
            if self._is_mine():
                self._files.delete(f"{FOLDER}/{self._number}")

    def _await_end(self, name: str) -> None:
        """Returns once a lease has no living holder."""
        before, waited_since = self._seen(name), time.monotonic()
        holder = _holder(before)
        is_alive = _is_alive(holder)
        if is_alive is None:
            log.warning(
                "checkpoint %s was last used by %s; waiting up to %.0f s for a sign of life",
                *(self._files.location, _named(holder), EXPIRY_SECONDS),
            )
        while is_alive is None:
            if self._seen(name) != before:
                is_alive = True
            elif time.monotonic() - waited_since > EXPIRY_SECONDS:
                is_alive = False
            else:
                time.sleep(1.0)
        if is_alive:
            raise LeaseTakenError(_named(holder))

    def _seen(self, name: str) -> str | None:
        """A lease as it is now; None if it is damaged.

        Hadoop puts a file in its place and then its checksum: whoever replaces it so and dies
        between the two leaves such a one.
        """
        try:
            return self._files.read(name)
        except DamagedFileError:
            return None

    def _renew(self) -> float:
        """Writes the lease again, if it is still this driver's; gives the seconds until the next.

        A file system that fails for a moment is an error like others. If another driver has taken
        the lease meanwhile, the next beat finds out.
        """
        if self._is_lost or self._renewal.is_ending:
            return math.inf
        if not self._is_mine():
            self._is_lost = True
            self._on_loss(f"another driver has taken checkpoint {self._files.location}")
            return math.inf
        self._beats += 1
        self._files.replace(f"{FOLDER}/{self._number}", self._text())
        return BEAT_SECONDS

    def _is_mine(self) -> bool:
        if max(self._numbers(), default=0) > self._number:
            return False
        # Once the folder is deleted, the numbers begin anew, and another driver may have this one.
        mine = _holder(self._files.read(f"{FOLDER}/{self._number}"))
        return mine.get("owner") == self._me["owner"]

    def _numbers(self) -> list[int]:
        return [int(name) for name in self._files.names(FOLDER) if name.isdigit()]

    def _text(self) -> str:
        return json.dumps({**self._me, "beats": self._beats})


def _this_process() -> dict[str, str]:
    """What another driver needs to know to look for this one."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "pid": str(pid), "machine": _machine(), **_start_of(pid)}


def _machine() -> str:
    """This start of this machine, and this container's view of its processes; empty if unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def _start_of(pid: int) -> dict[str, str]:
    """When a process began, by its machine's own count; nothing if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return {}
    # The name before the last parenthesis may hold anything; field 22 is the 20th after it.
    return {"started": stat.rpartition(")")[2].split()[19]}


def _is_alive(holder: Mapping[str, str]) -> bool | None:
    """Whether the process is there; None if that cannot be seen from here."""
    machine = _machine()
    if not machine or holder.get("machine") != machine:
        return None
    # Process ids are reused; only the start time shows that it is the same process.
    pid = holder.get("pid", "")
    # A lease that somebody has written by hand: whether it is renewed will tell.
    if not pid.isdecimal():
        return None
    return _start_of(int(pid)).get("started") == holder.get("started")


def _holder(text: str | None) -> dict[str, str]:
    try:
        known = json.loads(text or "")
    except ValueError:
        return {}
    return {name: str(value) for name, value in known.items()} if isinstance(known, dict) else {}


def _named(holder: Mapping[str, str]) -> str:
    return f"process {holder.get('pid', '?')} on {holder.get('host', '?')}"
