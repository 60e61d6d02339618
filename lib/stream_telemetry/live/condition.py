"""How the query is, in words: the one thing that matters most now, and why it is said.

`/health` says whether somebody must act. A person who looks wants more: whether records are late,
whether that gets better, and what holds them up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from stream_telemetry.health import Check
from stream_telemetry.live.recent import Trend

Level = Literal["good", "busy", "warning", "bad"]

CONDITIONS: Mapping[str, str] = {
    "starting": "The query has not begun yet.",
    "running": "Records come, and are dealt with as they come.",
    "idle": "No record waits.",
    "late": "Records wait for longer than they should, and that does not get better.",
    "catching up": "Records wait for longer than they should, but they get fewer.",
    "slow sink": "No batch ends, but records go out: Kafka takes them slowly.",
    "hung": "Nothing has been heard of the query for too long.",
    "no broker": "Kafka does not answer; records wait there.",
    "refusing": "Most records are refused.",
    "restarting": "The query has failed, or was misled by the clock, and is started again.",
    "stopping": "Somebody has asked for the end, or all is read.",
    "failed": "The query has failed and is not started again.",
}
"""Every condition, and what it means."""
_AWAITED = {
    "broker_connection": "Kafka's answer",
    "model_loaded": "the model",
    "query_progress": "Spark to begin the query",
}
_NOT_YET = ("not_initialized", "fail")
_SHORTEST_LATE_SECONDS = 15.0
_VERY_LATE = 4
"""So many times as old as late, and it is bad."""
_SURE_FALL = 0.01
"""The lag falls when a stretch of time takes this share of it away; less may be chance."""
MANY_REFUSED, MOST_REFUSED = 0.05, 0.5
ENOUGH_RECORDS = 20
"""A share of fewer records says nothing."""


@dataclass(frozen=True)
class Condition:
    """How the query is.

    Attributes:
        name: one of `CONDITIONS`.
        level: how good that is.
        why: a sentence with the figures that say so.
    """

    name: str
    level: Level
    why: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of the query at one moment.

    Attributes:
        state: of its health.
        checks: of its health.
        silence: seconds since it was last heard of.
        asked: seconds since the broker last told how far behind it is; None for never.
        oldest: age of the oldest record that waits, in seconds, as the broker last told.
        late: age from which a record is late.
        waiting: records that wait, as the broker last told.
        trend: where their number goes; None when nobody told lately.
        batch_seconds: the longest of the latest batches; 0 for none.
        read: records of the latest batches.
        refused: those of them that became dead letters.
        restarts: of the query, so far.
        is_batch: whether it ends by itself when it has read all there is.
    """

    state: str
    checks: Mapping[str, Check]
    silence: float
    asked: float | None = None
    oldest: float = 0.0
    late: float = _SHORTEST_LATE_SECONDS
    waiting: float = 0.0
    trend: Trend | None = None
    batch_seconds: float = 0.0
    read: int = 0
    refused: int = 0
    restarts: int = 0
    is_batch: bool = False

    @property
    def refused_share(self) -> float:
        """Share of the latest records that were refused; 0 when they are too few to say."""
        return self.refused / self.read if self.read >= ENOUGH_RECORDS else 0.0


def late_after(batch_seconds: float, *, is_realtime: bool) -> float:
    """Seconds after which a record that waits is late; usually it waits for one batch.

    Args:
        batch_seconds: from one batch to the next, by the trigger.
        is_realtime: whether positions are known at the end of a long batch only.
    """
    if is_realtime:
        return 2 * batch_seconds + _SHORTEST_LATE_SECONDS
    return max(3 * batch_seconds, _SHORTEST_LATE_SECONDS)


def condition(facts: Facts) -> Condition:
    """The one that matters most, causes before what follows from them."""
    return (
        _ending(facts)
        or _cut_off(facts)
        or _silent(facts)
        or _behind(facts)
        or _refusing(facts)
        or _well(facts)
    )


def _ending(facts: Facts) -> Condition | None:
    if facts.state == "failed":
        return Condition("failed", "bad", "It failed and is not started again; its log says why.")
    if facts.state == "stopping":
        return Condition("stopping", "busy", f"{CONDITIONS['stopping']} What is begun is finished.")
    if facts.state == "restarting":
        return Condition(
            "restarting",
            "bad",
            f"It ended {span(facts.silence)} ago and is started again from its checkpoint, for the "
            f"{_ordinal(facts.restarts)} time; its log says why.",
        )
    return None


def _cut_off(facts: Facts) -> Condition | None:
    if facts.checks.get("broker_connection") != "fail":
        return None
    since = "yet" if facts.asked is None else f"for {span(facts.asked)}"
    return Condition(
        "no broker", "bad", f"Kafka has not answered {since}. Records wait there; none is lost."
    )


def _silent(facts: Facts) -> Condition | None:
    if facts.state == "starting":
        waits = [text for name, text in _AWAITED.items() if facts.checks.get(name) in _NOT_YET]
        return Condition("starting", "busy", f"It waits for {', '.join(waits)}.")
    silence = f"No batch has ended for {span(facts.silence)}"
    if facts.state == "slow_sink":
        return Condition(
            "slow sink", "bad", f"{silence}, but records go out: Kafka takes them slowly."
        )
    if facts.state == "stalled":
        return Condition("hung", "bad", f"{silence}, and no record was seen going out.")
    return None


def _behind(facts: Facts) -> Condition | None:
    # A run that reads all there is begins with all there is.
    if facts.oldest <= facts.late or facts.is_batch:
        return None
    waiting = (
        f"{facts.waiting:,.0f} records wait, the oldest is {span(facts.oldest)} old (late from "
        f"{span(facts.late)})"
    )
    trend = facts.trend
    pace = trend and trend.per_second
    if trend and pace is None:
        return Condition("catching up", "warning", f"{waiting}; too soon to say how fast.")
    if trend and pace and pace * trend.seconds > _SURE_FALL * facts.waiting:
        left = span(facts.waiting / pace)
        return Condition(
            "catching up",
            "warning",
            f"{waiting}; {pace:,.0f} fewer each second, so about {left} are left.",
        )
    slow = f"; a batch takes up to {span(facts.batch_seconds)}" if facts.batch_seconds else ""
    level: Level = "bad" if facts.oldest > _VERY_LATE * facts.late else "warning"
    return Condition("late", level, f"{waiting}, and they hardly get fewer{slow}.")


def _refusing(facts: Facts) -> Condition | None:
    if facts.refused_share < MOST_REFUSED:
        return None
    return Condition(
        "refusing",
        "warning",
        f"{facts.refused_share * 100:.0f} % of the last {facts.read:,} records became dead "
        "letters.",
    )


def _well(facts: Facts) -> Condition:
    heard = f"last heard of {span(facts.silence)} ago"
    if facts.asked is None:
        return Condition(
            "running", "busy", f"It was {heard}; Kafka has not told yet how far behind it is."
        )
    if facts.state == "idle":
        return Condition("idle", "good", f"No record waits; it was {heard}.")
    if facts.is_batch:
        return Condition("running", "good", f"It reads all there is, then ends; it was {heard}.")
    waits = f"the oldest record that waits is {span(facts.oldest)} old"
    waits = waits if facts.oldest else "no record waits"
    return Condition("running", "good", f"Records are dealt with as they come: {waits}.")


def span(seconds: float) -> str:
    """A length of time for people: `40 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = round(seconds)
    if 0.05 <= seconds < 10:
        return f"{round(seconds, 1):g} s"
    for unit, name, smaller, its_name in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= unit:
            rest = whole % unit // smaller
            return f"{whole // unit} {name}" + (f" {rest} {its_name}" if rest else "")
    return f"{whole} s"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0)
    return f"{number}{ending or 'th'}"
