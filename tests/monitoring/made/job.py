"""What Prometheus sees of a job, made up: every series, at each scrape.

A value is a function of the time in seconds; None is a scrape that gave nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypedDict, Unpack

Value = float | str | None
Signal = Callable[[float], float | None]
Samples = dict[str, list[Value]]
"""The values of each series, by its name with all labels as PromQL writes them."""

STALE = "stale"
"""What Prometheus itself writes behind the last value of a series that a scrape did not give."""
STATES = (
    *("starting", "running", "idle", "slow_sink", "stalled", "lagging"),
    *("restarting", "stopping", "failed"),
)
AGE, TIME = "stream_end_to_end_latency_seconds", "kafka_processing_latency_seconds"


def steady(value: float) -> Signal:
    return lambda seconds: value


def rising(rate: float, start: float = 0.0) -> Signal:
    """A counter that has stood at 0 until `start`."""
    return lambda seconds: rate * max(0.0, seconds - start)


def step(at: float, height: float, *, before: float = 0.0) -> Signal:
    return lambda seconds: height if seconds >= at else before


def teeth(period: float, inflow: float, growth: float = 0.0, start: float = 0.0) -> Signal:
    """Lag that rises by `inflow` until a batch ends, each one leaving more than the one before."""

    def value(seconds: float) -> float:
        phase = seconds % period
        return max(0.0, start + growth * (seconds - phase) + inflow * phase)

    return value


def state(name: str) -> dict[str, Signal]:
    return {f'stream_state{{state="{one}"}}': steady(float(one == name)) for one in STATES}


def ages(late_share: float, rate: float = 10.0) -> dict[str, Signal]:
    """Ages of the records, some of them above a minute."""
    return {
        f'{AGE}_bucket{{le="60.0"}}': rising(rate * (1 - late_share)),
        f'{AGE}_bucket{{le="120.0"}}': rising(rate),
        f'{AGE}_bucket{{le="+Inf"}}': rising(rate),
        f"{AGE}_count": rising(rate),
    }


def times(slow_share: float, rate: float = 10.0) -> dict[str, Signal]:
    """Times in the plan, some of them between one second and ten."""
    total = 'operation="total"'
    return {
        f'{TIME}_bucket{{{total},le="0.001"}}': rising(rate * (1 - slow_share)),
        f'{TIME}_bucket{{{total},le="1.0"}}': rising(rate * (1 - slow_share)),
        f'{TIME}_bucket{{{total},le="10.0"}}': rising(rate),
        f'{TIME}_bucket{{{total},le="+Inf"}}': rising(rate),
        f"{TIME}_count{{{total}}}": rising(rate),
    }


def records(failed: float, rate: float = 10.0) -> dict[str, Signal]:
    """Counters of a job that deals with `rate` records a second, `failed` of them refused."""
    return {
        'kafka_messages_processed_total{status="success",topic="t"}': rising(rate - failed),
        'kafka_messages_processed_total{status="failed",topic="t"}': rising(failed),
        'kafka_messages_failed_total{error_type="validation_error",topic="t"}': rising(failed),
        'kafka_messages_failed_total{error_type="unknown_error",topic="t"}': steady(0),
    }


def drift(records: float, time: float | None, feature: str = "Contract") -> dict[str, Signal]:
    """The stability index of a feature and of the scores, by the latest records and minutes."""
    return {
        f'{metric}{{{label}window="{window}"}}': steady(value)
        for metric, label in (
            ("model_feature_psi", f'feature="{feature}",'),
            ("model_score_psi", ""),
        )
        for window, value in (("records", records), ("time", time))
        if value is not None
    }


def errors(brier: float, labels: float = 10_000) -> dict[str, Signal]:
    """The mean squared error of the scores, by the labels that have come; 0.1 is expected."""
    return {
        "model_expected_brier_score": steady(0.1),
        **{
            f'model_{name}{{window="{window}"}}': steady(value)
            for name, value in (("brier_score", brier), ("window_labels", labels))
            for window in ("records", "time")
        },
    }


HEALTHY: Mapping[str, Signal] = {
    "up": steady(1),
    'kafka_consumer_info{version="1",mode="streaming",broker="k:9092",consumer_group="g",'
    'model_backend="spark"}': steady(1),
    "kafka_consumer_broker_connected": steady(1),
    "kafka_consumer_model_loaded": steady(1),
    "process_start_time_seconds": steady(-600),
    "stream_progress_age_seconds": steady(2),
    "stream_batches_total": rising(0.2),
    "stream_restarts_total": steady(0),
    "stream_records_unaccounted": steady(0),
    "stream_log_errors_total": steady(0),
    "stream_push_errors_total": steady(0),
    "model_refused": steady(0),
    **{f'stream_worker_up{{worker="{name}"}}': steady(1) for name in ("events", "lag")},
    **{
        f'{name}{{topic="t",partition="{partition}"}}': signal
        for partition in "01"
        for name, signal in {
            "kafka_consumer_lag": teeth(5, 10),
            "stream_lag_seconds": teeth(5, 1),
            "stream_records_lost_total": steady(0),
            # A producer with transactions: one is open at almost any time.
            "stream_records_held_back": teeth(7, 3),
        }.items()
    },
    **records(0.0),
    **times(0.0),
    **ages(0.0),
    **state("running"),
    **drift(0.02, 0.01),
    **errors(0.1),
}
"""Ten records a second, none refused, none late, a batch each five seconds."""


@dataclass(frozen=True)
class Scraped:
    """The samples of some targets, one each `interval` seconds."""

    interval: int
    samples: Samples = field(default_factory=dict)

    def __or__(self, other: Scraped) -> Scraped:
        """Both, in one Prometheus."""
        assert self.interval == other.interval
        assert not self.samples.keys() & other.samples.keys()
        return replace(self, samples=self.samples | other.samples)

    def missed(self, *at: float) -> Scraped:
        """Some scrapes fail: `up` is 0, and everything else is stale."""
        return self._changed((round(one / self.interval) for one in at), 0.0, STALE)

    def dead(self, since: float, until: float = 1e9) -> Scraped:
        """No scrape succeeds."""
        span = range(round(since / self.interval), self._length(until))
        return self._changed(span, 0.0, STALE)

    def gone(self, since: float) -> Scraped:
        """No target any more."""
        return self._changed(range(round(since / self.interval), self._length(1e9)), STALE, STALE)

    def unwatched(self, since: float, until: float) -> Scraped:
        """Prometheus itself is away; nobody writes that anything is stale."""
        span = range(round(since / self.interval), self._length(until))
        return self._changed(span, None, None)

    def restarted(self, at: float) -> Scraped:
        """Another process goes on: its counters begin at 0, a scrape before it fails."""
        index = round(at / self.interval)
        changed: Samples = {}
        for name, values in self.samples.items():
            now = list(values)
            if "process_start_time" in name:
                now[index:] = [at for _ in now[index:]]
            elif is_counter(name) and isinstance(base := values[index], float | int):
                now[index:] = [v - base if isinstance(v, float | int) else v for v in now[index:]]
            changed[name] = now
        return replace(self, samples=changed).missed(at - self.interval)

    def spelled(self, old: str, new: str) -> Scraped:
        """With another spelling of something in the series' names."""
        return replace(self, samples={k.replace(old, new): v for k, v in self.samples.items()})

    def _length(self, until: float) -> int:
        return min(round(until / self.interval), len(next(iter(self.samples.values()))))

    def _changed(self, indices: Iterable[int], up: Value, other: Value) -> Scraped:
        chosen = list(indices)
        changed: Samples = {}
        for name, values in self.samples.items():
            now = list(values)
            for index in chosen:
                now[index] = up if name.startswith("up{") else other
            changed[name] = now
        return replace(self, samples=changed)


def is_counter(name: str) -> bool:
    return any(f"{end}{{" in name for end in ("_total", "_bucket", "_count", "_sum"))


class Target(TypedDict, total=False):
    """Who is scraped, and how often, in seconds."""

    interval: int
    job: str
    instance: str
    environment: str


def scraped(
    signals: Mapping[str, Signal],
    minutes: float,
    *,
    interval: int = 60,
    job: str = "kafka_consumer",
    instance: str = "a:8000",
    environment: str = "prod",
) -> Scraped:
    """The samples of one target with these signals, for so many minutes."""
    target = f'job="{job}",instance="{instance}",environment="{environment}"'
    samples: Samples = {}
    for name, signal in signals.items():
        bare, _, labels = name.rstrip("}").partition("{")
        series = f"{bare}{{{','.join(part for part in (target, labels) if part)}}}"
        values = [signal(float(at)) for at in range(0, round(minutes * 60) + 1, interval)]
        samples[series] = list(values)
    return Scraped(interval, samples)


def healthy(minutes: float, **target: Unpack[Target]) -> Scraped:
    return scraped(HEALTHY, minutes, **target)
