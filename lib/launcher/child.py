"""Processes that never outlive the one that started them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from launcher.errors import LaunchError

# Waits for the end of a pipe that only the owner holds open: however the owner dies, the kernel
# closes it. Linux' "parent death signal" is no choice, it fires when the starting *thread* ends.
_WATCHDOG = 'read -r _; kill -s KILL -- "-$1"'


class Child:
    """A process in a session of its own, so that Ctrl-C reaches only this one.

    When this Python process dies, even by `kill -9`, the child and all that it started are killed.

    Attributes:
        name: What messages call it.
        log: File that has its output.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Starts `command`, its output appended to `log`.

        Raises:
            LaunchError: if the program cannot be started.
        """
        self.name = name
        self.log = log
        try:
            with log.open("ab") as output:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=None if environment is None else dict(environment),
                    start_new_session=True,
                )
        except OSError as error:
            raise LaunchError(f"{name} could not be started: {error}") from error
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHDOG, "watchdog", str(self._process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Process id; also the id of its process group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Its exit code, negative for the signal that ended it; None while it runs."""
        return self._process.poll()

    @property
    def is_running(self) -> bool:
        """Whether the process lives; also true while it is paused."""
        return self.exit_code is None

    def send(self, signal_number: int) -> None:
        """Sends a signal to the process itself; does nothing when it has ended."""
        self._process.send_signal(signal_number)

    def stop(self, grace_seconds: float) -> int:
        """Asks it to end (SIGTERM), kills it and all it started after the grace time.

        Returns:
            Its exit code.
        """
        self.send(signal.SIGTERM)
        # A paused process would take notice of SIGTERM only when it goes on.
        self.send(signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_seconds)
        return self.kill()

    def kill(self) -> int:
        """Kills it and all that it started (SIGKILL); returns its exit code."""
        # Only once: later the id may belong to another process.
        if self._watchdog.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._dismiss_watchdog()
        return self._process.wait()

    def last_lines(self, count: int = 3) -> str:
        """The last lines of its output that are not blank, joined by ` | `."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines()]
        return " | ".join([line for line in lines if line][-count:])

    def complaint(self) -> str:
        """What a Java program complained about; see `complaint_in`."""
        return complaint_in(self.log.read_text(errors="replace"))

    def _dismiss_watchdog(self) -> None:
        self._watchdog.kill()
        self._watchdog.wait()
        if self._watchdog.stdin is not None:
            self._watchdog.stdin.close()


def complaint_in(java_output: str) -> str:
    """The first line that names an exception, without the stack below it; else the last line."""
    lines = [line.strip(" \t:") for line in java_output.splitlines() if line.strip()]
    complaints = [line for line in lines if "Exception:" in line or "unresolved dependency" in line]
    return [*complaints, *lines[-1:], "it said nothing"][0]
