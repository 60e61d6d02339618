"""A model's figures, for people on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from churn_tools.training.classifiers import NAMES
from telco_churn.model.manifest import Evaluation, Manifest


def report(manifest: Manifest) -> str:
    """The figures, a line for each; without an evaluation only where the model comes from."""
    return "\n".join(_lines(manifest)) + "\n"


def _lines(manifest: Manifest) -> Iterator[str]:
    name = NAMES.get(manifest.classifier or "", manifest.classifier or "model")
    fitted = f"fitted to {manifest.rows} rows " if manifest.rows is not None else ""
    yield f"model {manifest.version}: {name}, {fitted}({manifest.training_data})"
    if manifest.evaluation is None:
        yield "not judged: no labels were given"
        yield f"threshold {manifest.threshold} ({manifest.threshold_rule})"
    else:
        yield from _figures(manifest, manifest.evaluation)


def _figures(manifest: Manifest, result: Evaluation) -> Iterator[str]:
    yield f"held out: {result.rows} rows, {result.churn_rate:.1%} of them positive"
    yield f"AUC {result.auc:.4f}   log loss {result.log_loss:.4f}   Brier {result.brier:.4f}"
    yield (
        f"threshold {manifest.threshold} ({manifest.threshold_rule}): precision "
        f"{result.precision:.3f}, recall {result.recall:.3f}, F1 {result.f1:.3f}"
    )
    yield "calibration, by tenth:  predicted    true"
    for tenth, entry in enumerate(result.calibration, start=1):
        yield f"{tenth:>22}  {entry.mean_probability:>9.3f}  {entry.churn_rate:>6.3f}"
