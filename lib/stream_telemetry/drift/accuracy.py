"""How right a model is, by the labels that have come with the records."""

from __future__ import annotations

from dataclasses import dataclass

from stream_telemetry.drift.counting import ModelCounts

_UNKNOWN, _NO, _YES = range(3)
_A_TENTH = 10


@dataclass(frozen=True)
class Accuracy:
    """Figures of the labelled records among some; each is None while too few of its kind are there.

    Attributes:
        counts: of the records.
        least: labelled records that all of it takes. A figure of a part of them, such as those with
            the label yes, takes a tenth of that.
    """

    counts: ModelCounts
    least: int

    @property
    def labelled(self) -> int:
        """Records with a label."""
        return int(self.counts.outcomes[_NO:].sum())

    @property
    def precision(self) -> float | None:
        """Of the records that were decided with yes, the share that has this label."""
        right = self.counts.outcomes[_YES, 1].sum()
        return self._share(right, self.counts.outcomes[_NO:, 1].sum())

    @property
    def recall(self) -> float | None:
        """Of the records with the label yes, the share that was decided so."""
        right = self.counts.outcomes[_YES, 1].sum()
        return self._share(right, self.counts.outcomes[_YES].sum())

    @property
    def brier(self) -> float | None:
        """Mean squared error of the scores; 0 is best."""
        errors = self.counts.sums[1]
        return float(errors / self.labelled) if self.labelled >= self.least else None

    @property
    def calibration(self) -> tuple[float | None, ...]:
        """For each tenth of the scores, the share of the label yes; right is a share within it."""
        no, yes = self.counts.labelled_by_tenth
        return tuple(self._share(y, n + y) for n, y in zip(no, yes, strict=True))

    def _share(self, part: float, whole: float) -> float | None:
        has_enough = self.labelled >= self.least and whole * _A_TENTH >= self.least
        return float(part / whole) if has_enough else None
