"""Which sockets a process and all that it has started listen on, and where."""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LISTENS = "0A"


def listening(pid: int) -> dict[tuple[str, int], str]:
    """Addresses and ports on which it and its descendants listen, with who does."""
    found = {}
    addresses = dict(_addresses())
    for process in family(pid):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:80]
            for descriptor in (process / "fd").iterdir():
                with suppress(OSError):
                    socket = re.fullmatch(r"socket:\[(\d+)\]", str(descriptor.readlink()))
                    if socket and socket[1] in addresses:
                        found[addresses[socket[1]]] = command
    return found


def open_to_others(pid: int) -> dict[tuple[str, int], str]:
    """Those that other machines can reach."""
    return {
        place: who
        for place, who in listening(pid).items()
        if not ipaddress.ip_address(place[0]).is_loopback
    }


def family(pid: int) -> Iterator[Path]:
    """The process and all its descendants, as directories of /proc."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # Behind the name, which may hold blanks and brackets.
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    members = {pid}
    while more := {child for child, parent in parents.items() if parent in members} - members:
        members |= more
    return (Path("/proc", str(member)) for member in members)


def _addresses() -> Iterator[tuple[str, tuple[str, int]]]:
    """Where each listening socket is, by the number of its inode."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == _LISTENS:
                host, _, port = words[1].partition(":")
                yield words[9], (_readable(host), int(port, 16))


def _readable(host: str) -> str:
    """An address that the kernel shows in words of 32 bits, lowest byte first."""
    words = struct.unpack(f">{len(host) // 8}I", bytes.fromhex(host))
    address = ipaddress.ip_address(struct.pack(f"<{len(words)}I", *words))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
