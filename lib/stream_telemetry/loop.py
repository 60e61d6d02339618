"""One loop for every thread: it survives any error, and ends in time."""

from __future__ import annotations

import logging
import math
import threading
import time
import traceback
from collections.abc import Callable

from stream_telemetry.logs.rate_limit import News

RETRY_SECONDS = 0.5
"""Pause after an error."""
_REPEAT_SECONDS = 600.0

log = logging.getLogger(__name__)


class Loop:
    """A thread that takes one step after another, whatever happens, until it is asked to end.

    An error that leaves a step is unexpected: the first of its kind is logged, and the loop goes
    on with the next step.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], float],
        *,
        on_error: Callable[[], None] = lambda: None,
        close: Callable[[], None] = lambda: None,
        close_seconds: float = 0.0,
    ) -> None:
        """Prepares the thread.

        Args:
            name: of the thread.
            step: does a piece of work; gives the seconds until the next one is due: 0 when there is
                more to do, infinity when there is nothing to do until `wake`. The first one that
                begins after `end` and has no more to do is the last one.
            on_error: called for each error; may not raise.
            close: called once, after the last step.
            close_seconds: how long that may take.
        """
        self.name = name
        self._step = step
        self._on_error = on_error
        self._close = close
        self._close_seconds = close_seconds
        self._news = News(_REPEAT_SECONDS)
        self._wake = threading.Event()
        self._deadline = math.inf
        self._trying_since: float | None = None
        # A daemon, so that a thread that `end` leaves behind cannot keep the process alive.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begins with the first step."""
        self._thread.start()

    def wake(self) -> None:
        """Makes the next step due now; never waits."""
        self._wake.set()

    def end(self, timeout: float) -> None:
        """Returns when the work is done, or time is up.

        Args:
            timeout: for how many seconds further steps may be taken, as long as there is more to
                do; a step under way, and the close, may take `close_seconds` beyond.
        """
        if not self._thread.is_alive():
            return
        self._deadline = time.monotonic() + timeout
        self._wake.set()
        self._thread.join(timeout + self._close_seconds)
        if self._thread.is_alive():
            log.warning("the thread %s has not ended in time; left behind", self.name)

    @property
    def is_ending(self) -> bool:
        """Whether it was asked to end."""
        return self._deadline < math.inf

    @property
    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    @property
    def seconds_without_success(self) -> float:
        """For how long a step has hung, or each has failed; 0 when the last one was well."""
        since = self._trying_since
        return 0.0 if since is None else time.monotonic() - since

    def _run(self) -> None:
        while True:
            # Cleared before the step, so that a `wake` during it is not lost.
            self._wake.clear()
            # What came before the request to end is seen by a step that begins after it.
            is_ending = self.is_ending
            wait = self._try(self._step)
            if is_ending and (wait or time.monotonic() > self._deadline):
                break
            if not self.is_ending:
                seconds = RETRY_SECONDS if wait is None else wait
                # Not infinity: a wait has a limit, of 292 years.
                self._wake.wait(min(seconds, threading.TIMEOUT_MAX))
            elif wait is None:
                # A last step that keeps failing must not spin until the deadline.
                time.sleep(RETRY_SECONDS)
        self._try(self._close)

    def _try(self, work: Callable[[], float | None]) -> float | None:
        """What a piece of work gives, 0 for nothing; None when it failed."""
        # Failures keep the time of the first one: it counts from the last success.
        self._trying_since = self._trying_since or time.monotonic()
        try:
            given = work() or 0.0
        except Exception as error:
            self._on_error()
            if self._news.is_news(_kind(error)):
                log.exception("the thread %s failed and goes on", self.name)
            return None
        self._trying_since = None
        return given


def _kind(error: Exception) -> str:
    """What makes two errors the same kind: their class and the line that raised them."""
    (place,) = traceback.extract_tb(error.__traceback__)[-1:]
    return f"{type(error).__name__} {place.filename}:{place.lineno}"
