"""Free TCP ports on the loopback address."""

from __future__ import annotations

import random
import socket

from sandbox.errors import SandboxError

LOOPBACK = "127.0.0.1"

# Below the range that systems hand out for outgoing connections (from 32768 on Linux): a client
# that keeps trying to reach a broker that is down could otherwise be given that very port.
_CANDIDATES = range(15_000, 32_000)
_TRIES = 200


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do, so that connections of an earlier one in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nobody listens on; another process may still be faster to take it.

    Raises:
        SandboxError: if none was found.
    """
    for port in random.sample(_CANDIDATES, _TRIES):
        if port_is_free(port):
            return port
    raise SandboxError(
        f"no free port among {_TRIES} tried in {_CANDIDATES.start}-{_CANDIDATES.stop}; "
        "end programs that hold ports on 127.0.0.1"
    )
