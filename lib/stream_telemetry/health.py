"""Whether the query is well: how long it has been silent, measured against its trigger.

A hung query makes no sound at all, so silence is what gives it away. Nothing here waits or calls
into the JVM.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Phase = Literal["starting", "running", "idle", "restarting", "stopping", "failed"]
Check = Literal["pass", "fail", "not_initialized", "unknown"]

# Spark reports an idle query every 10 s only; three intervals of a short trigger are less than
# that.
SHORTEST_STALL_SECONDS = 60.0


@dataclass(frozen=True)
class Limits:
    """When silence becomes alarming, in seconds.

    Attributes:
        stall: without an event the query counts as hung.
        lag: the oldest record that waits may be this old before the query counts as lagging.
        live: after this much silence a restart is worth a try, if the broker is there.
    """

    stall: float
    lag: float = 300.0
    live: float = 600.0


def limits_for(trigger_seconds: float, *, is_realtime: bool) -> Limits:
    """The limits for a trigger; an event comes once a batch, and a real-time batch is long."""
    if is_realtime:
        return Limits(2 * trigger_seconds + 30.0, max(300.0, 5 * trigger_seconds))
    return Limits(
        max(3 * trigger_seconds, SHORTEST_STALL_SECONDS), max(300.0, 10 * trigger_seconds)
    )


class Health:
    """The query's state; written by the telemetry's threads, read by requests."""

    def __init__(
        self, limits: Limits, *, has_model: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self._has_model = has_model
        self._clock = clock
        self._lock = threading.Lock()
        self._heard = self._sink_heard = clock()
        self._phase: Phase = "starting"
        self._broker: bool | None = None
        self._model: bool | None = None
        self._lag_seconds = 0.0
        self._workers: list[Callable[[], bool]] = []

    def watch(self, is_well: Callable[[], bool]) -> None:
        """Lets one of the telemetry's threads say at each look whether it does its work."""
        self._workers.append(is_well)

    def heard(self, phase: Phase) -> None:
        """The query has given a sign of life, or of its end."""
        with self._lock:
            self._heard = self._clock()
            self._phase = phase

    def sink_heard(self) -> None:
        """Records have gone out, though no batch has ended."""
        with self._lock:
            self._sink_heard = self._clock()

    def stopping(self) -> None:
        """Somebody has asked the query to end."""
        with self._lock:
            # A stop does not hide the failure that came before it.
            if self._phase != "failed":
                self._phase = "stopping"

    def set_broker(self, *, is_connected: bool) -> None:
        """Whether the broker answered when it was last asked."""
        with self._lock:
            self._broker = is_connected

    def set_model(self, *, is_loaded: bool) -> None:
        """Whether the model is there."""
        with self._lock:
            self._model = is_loaded

    def set_lag(self, seconds: float) -> None:
        """Age of the oldest record that waits."""
        with self._lock:
            self._lag_seconds = seconds

    @property
    def lag_seconds(self) -> float:
        """Age of the oldest record that waits, as the broker was last asked; 0 for none."""
        with self._lock:
            return self._lag_seconds

    @property
    def silence(self) -> float:
        """Seconds since the query was last heard of."""
        with self._lock:
            return self._clock() - self._heard

    @property
    def state(self) -> str:
        """One of `catalogue.STATES`."""
        silence = self.silence
        with self._lock:
            # Both are final, so the silence that follows them means nothing.
            if self._phase in ("stopping", "failed"):
                return self._phase
            if silence > self._limits.stall:
                takes = self._sink_silence <= self._limits.stall and self._broker is not False
                return "slow_sink" if takes else "stalled"
            is_behind = self._lag_seconds > self._limits.lag
            # A backlog is normal while the query starts or restarts.
            can_lag = self._phase in ("running", "idle")
            return "lagging" if is_behind and can_lag else self._phase

    @property
    def checks(self) -> dict[str, Check]:
        """The checks of `/health`, by name."""
        outcomes: dict[str, Check] = {
            "starting": "not_initialized",
            "stalled": "fail",
            "failed": "fail",
            "restarting": "fail",
        }
        checks: dict[str, Check] = {"broker_connection": _check(self._broker)}
        if self._has_model:
            checks["model_loaded"] = _check(self._model)
        if self._workers:
            checks["telemetry"] = _check(all(is_well() for is_well in self._workers))
        return checks | {"query_progress": outcomes.get(self.state, "pass")}

    @property
    def is_healthy(self) -> bool:
        """Whether no check fails."""
        return is_well(self.checks)

    @property
    def is_ready(self) -> bool:
        """Whether records are dealt with as they come."""
        is_complete = all(check == "pass" for check in self.checks.values())
        return is_complete and self.state in ("running", "idle")

    @property
    def is_live(self) -> bool:
        """False when only a restart can help; an absent broker is no reason for one."""
        if self.state == "failed":
            return False
        with self._lock:
            silence = self._sink_silence
        return not (self.state == "stalled" and self._broker and silence > self._limits.live)

    @property
    def _sink_silence(self) -> float:
        """Seconds since query or sink were last heard of."""
        return self._clock() - max(self._heard, self._sink_heard)


def is_well(checks: Mapping[str, Check]) -> bool:
    """Whether none of the checks fails; one that is not initialized yet does not count."""
    return "fail" not in checks.values()


def _check(fact: bool | None) -> Check:
    if fact is None:
        return "not_initialized"
    return "pass" if fact else "fail"
