"""The model card: what a manifest says of a model, for people who decide whether to use it.

What is written here stands between two marks of `MODEL.md`. What a person writes around them, such
as what the model is for, stays when the card is written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from churn_tools.model_card.card_plots import card_plots
from churn_tools.training.classifiers import NAMES
from telco_churn.errors import SettingsError
from telco_churn.model.manifest import Evaluation, Manifest

CARD_NAME = "MODEL.md"
PLOTS = "plots"

_BEGIN = "<!-- card: written by `jobs/model.py describe VERSION --card DIR` -->\n"
_END = "<!-- /card -->"
_PART = re.compile(r"(<!-- card:[^\n]*-->\n).*?(<!-- /card -->)", re.DOTALL)
_ALT = {
    "roc": "ROC curve",
    "gain": "Gain curve",
    "calibration": "Calibration by tenth",
    "effects": "Mean probability by each value of each feature",
}


def write_card(manifest: Manifest, directory: Path) -> Path:
    """Writes the card and its plots; gives the card's path.

    Raises:
        SettingsError: the directory cannot be written.
    """
    path, plots = directory / CARD_NAME, card_plots(manifest)
    try:
        (directory / PLOTS).mkdir(parents=True, exist_ok=True)
        for name in _ALT:
            (directory / PLOTS / f"{name}.svg").unlink(missing_ok=True)
        for name, svg in plots.items():
            (directory / PLOTS / f"{name}.svg").write_text(svg, "utf-8")
        page = path.read_text("utf-8") if path.exists() else ""
        path.write_text(_with_part(page, manifest, _part(manifest, list(plots))), "utf-8")
    except OSError as error:
        raise SettingsError(f"cannot write the card to {directory}: {error}") from error
    return path


def _with_part(page: str, manifest: Manifest, part: str) -> str:
    if _PART.search(page):
        return _PART.sub(lambda match: match[1] + part + match[2], page)
    heading = page or f"# Model card: {manifest.version}\n"
    return f"{heading}\n{_BEGIN}{part}{_END}\n"


def _part(manifest: Manifest, plots: list[str]) -> str:
    return "\n".join(
        [*_facts(manifest), *_figures(manifest, plots), *_features(manifest, plots), ""]
    )


def _facts(manifest: Manifest) -> Iterator[str]:
    classifier = manifest.classifier or "unknown"
    rows = f"{manifest.rows:,}" if manifest.rows is not None else "unknown"
    yield from ("", "| | |", "| --- | --- |")
    yield f"| Version | {manifest.version}, made {manifest.created} |"
    yield f"| Kind | {NAMES.get(classifier, classifier)}, saved by Spark {manifest.spark_version} |"
    yield f"| Data | {manifest.training_data} |"
    yield f"| Rows fitted to | {rows} |"
    yield f"| Threshold | {manifest.threshold}: {manifest.threshold_rule} |"


def _figures(manifest: Manifest, plots: list[str]) -> Iterator[str]:
    result = manifest.evaluation
    yield from ("", "### Figures", "")
    if result is None:
        yield "Nobody has judged it on rows whose label is known."
        return
    unseen = " that it was not fitted to" if manifest.rows is not None else ""
    yield f"On {result.rows:,} rows{unseen}, {result.churn_rate:.1%} of them positive:"
    yield from ("", "| AUC | log loss | Brier | precision | recall | F1 |", "| --- " * 6 + "|")
    figures = (
        *(result.auc, result.log_loss, result.brier),
        *(result.precision, result.recall, result.f1),
    )
    yield "| " + " | ".join(f"{figure:.3f}" for figure in figures) + " |"
    yield ""
    yield from (_image(name) for name in ("roc", "calibration", "gain") if name in plots)
    yield from _tenths(result)


def _tenths(result: Evaluation) -> Iterator[str]:
    tenths = result.calibration
    yield ""
    yield "| tenth by score | " + " | ".join(map(str, range(1, len(tenths) + 1))) + " |"
    yield "| --- " * (len(tenths) + 1) + "|"
    yield "| predicted | " + " | ".join(f"{t.mean_probability:.3f}" for t in tenths) + " |"
    yield "| positive | " + " | ".join(f"{t.churn_rate:.3f}" for t in tenths) + " |"


def _features(manifest: Manifest, plots: list[str]) -> Iterator[str]:
    distribution = manifest.training_distribution
    names = [*distribution.categories, *distribution.numbers]
    yield from ("", "### Features", "")
    yield f"It reads {', '.join(f'`{name}`' for name in names)}."
    if "effects" in plots:
        yield from ("", "What it does with each value, not what the value causes:", "")
        yield _image("effects")


def _image(name: str) -> str:
    return f"![{_ALT[name]}]({PLOTS}/{name}.svg)"
