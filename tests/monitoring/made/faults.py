"""For each alert about a scraped job: a job that has the fault, and one that nearly has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Unpack

from monitoring.made.job import (
    HEALTHY,
    Scraped,
    Signal,
    Target,
    ages,
    drift,
    errors,
    records,
    rising,
    scraped,
    state,
    steady,
    step,
    teeth,
    times,
)

HOUR = 3600.0
MINUTES = 250
"""How long it is watched; every fault has shown by then."""


def _same(samples: Scraped) -> Scraped:
    return samples


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        signals: what differs from a healthy job.
        nearly: what differs in the near miss, at which no alert fires.
        happening: what scrapes make of it.
        nearly_happening: the same in the near miss.
        also: other alerts that rightly fire with it.
        is_of_job: whether the alert is about all replicas together.
        told: what the description's templates become.
        labels: of the alert besides those of the target.
    """

    signals: Mapping[str, Signal] = field(default_factory=dict)
    nearly: Mapping[str, Signal] = field(default_factory=dict)
    happening: Callable[[Scraped], Scraped] = _same
    nearly_happening: Callable[[Scraped], Scraped] = _same
    also: tuple[str, ...] = ()
    is_of_job: bool = False
    told: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def seen(self, **target: Unpack[Target]) -> Scraped:
        return self.happening(scraped({**HEALTHY, **self.signals}, MINUTES, **target))

    def missed(self, **target: Unpack[Target]) -> Scraped:
        made = scraped({**HEALTHY, **self.nearly}, MINUTES, **target)
        return self.nearly_happening(made)


def of_partition(metric: str, signal: Signal) -> dict[str, Signal]:
    return {f'{metric}{{topic="t",partition="0"}}': signal}


def _loop(samples: Scraped) -> Scraped:
    """Killed each five minutes, in the last two hours."""
    for at in range(130 * 60, 250 * 60, 300):
        samples = samples.restarted(at)
    return samples


def _restarts(*minutes: int) -> Callable[[Scraped], Scraped]:
    def happen(samples: Scraped) -> Scraped:
        for minute in minutes:
            samples = samples.restarted(minute * 60)
        return samples

    return happen


END = MINUTES * 60.0
_BURST = {
    key: (lambda seconds, s=signal: s(seconds) + max(0.0, seconds - END + 240) * 2)
    for key, signal in records(0.02).items()
    if '"failed"' in key or "validation" in key
}

FAULTS: Mapping[str, Fault] = {
    "HighErrorRate": Fault(
        signals=records(1.3),
        nearly=records(0.49),
        also=("BadRecordsBurnSlow",),
        is_of_job=True,
        told={"$value | humanizePercentage": "13%"},
    ),
    "ConsumerDisconnected": Fault(
        signals={"kafka_consumer_broker_connected": step(END - 180, 0, before=1)},
        nearly={"kafka_consumer_broker_connected": step(END, 0, before=1)},
        told={"$value": "0"},
    ),
    "ModelNotLoaded": Fault(
        signals={"kafka_consumer_model_loaded": step(END - 180, 0, before=1)},
        nearly={"kafka_consumer_model_loaded": step(END, 0, before=1)},
        told={"$value": "0"},
    ),
    "HighProcessingLatency": Fault(
        signals=times(0.1),
        nearly=times(0.04),
        told={"$value | humanizeDuration": "5.5s"},
        labels={"operation": "total"},
    ),
    "ConsumerLagIncreasing": Fault(
        signals=of_partition("kafka_consumer_lag", teeth(61, 100, 20)),
        nearly=of_partition("kafka_consumer_lag", steady(50_000)),
        told={"$value": "304400", "$labels.topic": "t", "$labels.partition": "0"},
        labels={"topic": "t", "partition": "0"},
    ),
    "LowThroughput": Fault(
        signals=records(0.0, 0.9),
        nearly=records(0.0, 1.1),
        is_of_job=True,
        told={'printf "%.2f" $value': "0.90"},
    ),
    "JobDown": Fault(
        happening=lambda samples: samples.dead(END - 180),
        nearly_happening=lambda samples: samples.dead(END - 300, END - 240),
        told={"$value": "0"},
    ),
    "QueryHung": Fault(
        signals={**state("stalled"), "stream_progress_age_seconds": rising(1)},
        nearly={**state("idle"), "stream_progress_age_seconds": rising(1)},
        also=("QueryNotReady",),
        told={"$value | humanizeDuration": "4h 10m 0s"},
    ),
    "QueryNotReady": Fault(
        signals=state("starting"),
        nearly={
            **state("running"),
            'stream_state{state="starting"}': step(END - 180, 1),
            'stream_state{state="running"}': step(END - 180, 0, before=1),
        },
        told={"$value | humanizePercentage": "0%"},
    ),
    "RestartsTooMany": Fault(
        signals={"stream_batches_total": steady(0)},
        happening=_loop,
        nearly_happening=_restarts(200, 215, 230),
        told={"$value | humanize": "11"},
    ),
    "RecordsUnaccounted": Fault(
        signals={"stream_records_unaccounted": lambda s: float(7200 <= s < END - 1800) * 3},
        nearly={"stream_records_unaccounted": lambda s: float(s < HOUR) * 3},
        told={"$value": "3"},
    ),
    "RecordsLost": Fault(
        signals=of_partition("stream_records_lost_total", step(END - 1800, 120)),
        nearly=of_partition("stream_records_lost_total", step(HOUR, 120)),
        told={"$value | humanize": "120", "$labels.topic": "t"},
        labels={"topic": "t"},
    ),
    "DeadLetterBurst": Fault(
        signals={**records(0.02), **_BURST},
        nearly=records(0.05),
        is_of_job=True,
        told={'printf "%.2f" $value': "1.62", "$labels.error_type": "validation_error"},
        labels={"error_type": "validation_error"},
    ),
    "LagNotDraining": Fault(
        signals=of_partition("stream_lag_seconds", teeth(61, 1, 0.2)),
        nearly=of_partition("stream_lag_seconds", lambda s: max(70.0, 9000 - s / 2)),
        told={"$value | humanizeDuration": "47m 7s"},
    ),
    "RecordsHeldBack": Fault(
        signals=of_partition("stream_records_held_back", rising(2, END - 1200)),
        nearly=of_partition("stream_records_held_back", teeth(840, 2, start=50)),
        told={"$value": "1800", "$labels.topic": "t", "$labels.partition": "0"},
        labels={"topic": "t", "partition": "0"},
    ),
    "BadRecordsBurnFast": Fault(
        signals=records(3.0),
        also=("BadRecordsBurnSlow", "HighErrorRate"),
        is_of_job=True,
        told={"$value | humanizePercentage": "30%"},
    ),
    "BadRecordsBurnSlow": Fault(
        signals=records(1.3),
        also=("HighErrorRate",),
        is_of_job=True,
        told={"$value | humanizePercentage": "13%"},
    ),
    "LateRecordsBurnFast": Fault(
        signals=ages(0.4),
        also=("LateRecordsBurnSlow",),
        is_of_job=True,
        told={"$value | humanizePercentage": "40%"},
    ),
    "LateRecordsBurnSlow": Fault(
        signals=ages(0.13),
        nearly=ages(0.05),
        is_of_job=True,
        told={"$value | humanizePercentage": "13%"},
    ),
    "ModelInputDrift": Fault(
        signals={
            'model_feature_psi{feature="Contract",window="records"}': step(END - 1800, 0.4),
            'model_feature_psi{feature="Contract",window="time"}': step(END - 600, 0.3),
        },
        nearly={'model_feature_psi{feature="Contract",window="records"}': steady(0.4)},
        is_of_job=True,
        told={"$labels.feature": "Contract", 'printf "%.2f" $value': "0.40"},
        labels={"feature": "Contract"},
    ),
    "ModelScoreDrift": Fault(
        signals={
            'model_score_psi{window="records"}': steady(0.4),
            'model_score_psi{window="time"}': steady(0.26),
        },
        nearly=drift(0.24, 0.24),
        is_of_job=True,
        told={'printf "%.2f" $value': "0.40"},
    ),
    "ModelLessAccurate": Fault(
        signals=errors(0.16),
        # Half as bad again, which chance explains by so few labels.
        nearly=errors(0.15, labels=1000),
        is_of_job=True,
        told={'printf "%.2f" $value': "1.48"},
    ),
    "ModelRefused": Fault(
        signals={"model_refused": step(END - 360, 1)},
        # Mended within minutes.
        nearly={"model_refused": lambda seconds: float(END - 900 <= seconds < END - 660)},
        told={"$value": "1"},
    ),
    "PushesFail": Fault(
        signals={"stream_push_errors_total": rising(1 / 60)},
        nearly={"stream_push_errors_total": step(END - 600, 5)},
        told={"$value | humanize": "5"},
    ),
    "LogLinesLost": Fault(
        signals={"stream_log_errors_total": step(END - 300, 500)},
        nearly={"stream_log_errors_total": step(HOUR, 500)},
        told={"$value | humanize": "500"},
    ),
    "TelemetryThreadDown": Fault(
        signals={'stream_worker_up{worker="lag"}': step(END - 600, 0, before=1)},
        nearly={'stream_worker_up{worker="lag"}': step(END - 240, 0, before=1)},
        told={"$value": "1"},
    ),
}
"""By the name of the alert. A near miss without signals is a healthy job."""
