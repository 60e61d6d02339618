"""How models are watched: by what their manifests say of them."""

from __future__ import annotations

from stream_telemetry.drift.counting import TENTHS, ModelCounting
from stream_telemetry.drift.reference import Category, Number, Reference
from stream_telemetry.shadow.comparison import ShadowCounting
from telco_churn.model.manifest import Histogram, Manifest
from telco_churn.record.kind import Label

_TENTHS = tuple(tenth / TENTHS for tenth in range(1, TENTHS))


def make_counting(manifest: Manifest, label: Label | None) -> ModelCounting:
    """How the plan counts for telling drift and accuracy of this model.

    Args:
        manifest: of the model.
        label: what comes with an event where the truth is known; None if it never does.
    """
    fitted_to = manifest.training_distribution
    reference = Reference(
        categories={name: Category(shares) for name, shares in fitted_to.categories.items()},
        numbers={name: _number(one) for name, one in fitted_to.numbers.items()},
        scores=_tenths(fitted_to.scores),
        rows=manifest.rows,
        threshold=manifest.threshold,
        brier=manifest.evaluation.brier if manifest.evaluation else None,
    )
    return ModelCounting(reference, (label.no, label.yes) if label else ())


def make_shadow_counting(
    manifest: Manifest, shadow: Manifest, label: Label | None
) -> ShadowCounting:
    """How the plan counts for comparing a shadow to the model that decides.

    Args:
        manifest: of the model that decides.
        shadow: of the one beside it, which has a threshold of its own.
        label: as for `make_counting`.
    """
    return ShadowCounting(manifest.threshold, shadow.threshold, has_labels=label is not None)


def _tenths(scores: Histogram) -> tuple[float, ...]:
    """The shares, if they are of the tenths that the plan counts."""
    is_known = scores.edges == _TENTHS and len(scores.shares) == TENTHS
    return scores.shares if is_known else ()


def _number(histogram: Histogram) -> Number:
    return Number(histogram.edges, histogram.shares)
