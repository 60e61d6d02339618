"""Faults that the sandbox can play: what happens, which alert tells of it, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol


class Stage(Protocol):
    """What a scenario can do to a sandbox."""

    def cut_kafka_off(self) -> None:
        """Ends the broker as a power cut would."""

    def bring_kafka_back(self) -> None:
        """Starts the broker again, with all that it had."""

    def feed(self, *options: str) -> None:
        """Sends other customers from now on; no options: the usual ones."""


@dataclass(frozen=True)
class Scenario:
    """A fault.

    Attributes:
        alert: that fires meanwhile.
        happens: what is done, for a person.
        look: where it shows.
        begin: does it.
        end: takes it back.
        job: options with which the job shows it soon.
    """

    alert: str
    happens: str
    look: str
    begin: Callable[[Stage], None]
    end: Callable[[Stage], None]
    job: tuple[str, ...] = ()


def _usual(stage: Stage) -> None:
    stage.feed()


SCENARIOS: Final = {
    "outage": Scenario(
        alert="ConsumerDisconnected",
        happens="Kafka is gone, as in a power cut",
        look="the page says that no broker answers; events wait where they are sent, none is lost",
        begin=lambda stage: stage.cut_kafka_off(),
        end=lambda stage: stage.bring_kafka_back(),
    ),
    "poison": Scenario(
        alert="HighErrorRate",
        happens="every third event is broken, in all ways that the producer knows",
        look="the page counts broken rules; each such event is a dead letter, none stops the job",
        begin=lambda stage: stage.feed("--bad-ratio", "0.33"),
        end=_usual,
    ),
    "backlog": Scenario(
        alert="ConsumerLagIncreasing",
        happens="8,000 events a second come, more than this job takes",
        look="lag grows on the page while records per second stay; it falls after the flood",
        begin=lambda stage: stage.feed("--rate", "8000"),
        end=_usual,
    ),
    "drift": Scenario(
        alert="ModelInputDrift",
        happens="nine of ten customers have a contract of two years now",
        look="the page has the stability index of each feature; the answers stay valid",
        begin=lambda stage: stage.feed("--shift", "Contract=Two year", "--rate", "200"),
        end=lambda stage: stage.feed("--rate", "200"),
        job=("--drift-records", "2000", "--drift-least-records", "500", "--drift-minutes", "1"),
    ),
}
"""By the word that `--scenario` takes."""
