"""The card of the shipped model, and of others."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from saved_models import SHIPPED

from churn_tools.model_card.card_page import CARD_NAME, PLOTS, write_card
from telco_churn.errors import SettingsError
from telco_churn.model.manifest import Manifest, read_manifest

COMMITTED = SHIPPED.parent
ALL_PLOTS = {"calibration.svg", "effects.svg", "gain.svg", "roc.svg"}


@pytest.fixture(scope="module")
def shipped() -> Manifest:
    return read_manifest(SHIPPED)


def plots_in(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in (directory / PLOTS).iterdir()}


def test_the_shipped_card_is_what_the_command_writes(shipped: Manifest, tmp_path: Path) -> None:
    shutil.copy(COMMITTED / CARD_NAME, tmp_path)
    written = write_card(shipped, tmp_path)
    again = "run: python jobs/model.py describe in-use --card models"
    assert written.read_text("utf-8") == (COMMITTED / CARD_NAME).read_text("utf-8"), again
    assert plots_in(tmp_path) == plots_in(COMMITTED), again
    assert plots_in(COMMITTED).keys() == ALL_PLOTS


def test_a_plot_is_well_formed_and_within_its_bounds(shipped: Manifest, tmp_path: Path) -> None:
    write_card(shipped, tmp_path)
    for svg in plots_in(tmp_path).values():
        root = ET.fromstring(svg)
        width, height = float(root.attrib["width"]), float(root.attrib["height"])
        for shape in root.iter("{http://www.w3.org/2000/svg}polyline"):
            for point in shape.attrib["points"].split():
                x, y = map(float, point.split(","))
                assert 0 <= x <= width
                assert 0 <= y <= height


def test_every_value_of_every_feature_is_in_the_plot_of_effects(
    shipped: Manifest, tmp_path: Path
) -> None:
    write_card(shipped, tmp_path)
    texts = {
        element.text
        for element in ET.fromstring(plots_in(tmp_path)["effects.svg"]).iter(
            "{http://www.w3.org/2000/svg}text"
        )
    }
    assert shipped.effects is not None
    assert {*shipped.effects.categories, *shipped.effects.numbers} <= texts
    assert {value for values in shipped.effects.categories.values() for value in values} <= texts


def test_a_new_card_has_the_figures_and_names_what_it_reads(
    shipped: Manifest, tmp_path: Path
) -> None:
    page = write_card(shipped, tmp_path / "new").read_text("utf-8")
    assert page.startswith(f"# Model card: {shipped.version}\n")
    for part in ("| 0.847 | 0.410 | 0.135 |", "logistic regression", "`TotalCharges`", "160,101"):
        assert part in page
    assert page.count("](plots/") == 4


def test_what_a_person_wrote_around_it_stays(shipped: Manifest, tmp_path: Path) -> None:
    path = write_card(shipped, tmp_path)
    path.write_text(f"# For whom\n\n{path.read_text('utf-8')}\nNot for prices.\n", "utf-8")
    page = write_card(replace(shipped, version="next"), tmp_path).read_text("utf-8")
    assert page.startswith("# For whom\n")
    assert page.endswith("Not for prices.\n")
    assert "| Version | next, made " in page


def test_a_page_without_a_card_gets_one_at_its_end(shipped: Manifest, tmp_path: Path) -> None:
    (tmp_path / CARD_NAME).write_text("# Ours\n", "utf-8")
    page = write_card(shipped, tmp_path).read_text("utf-8")
    assert page.startswith("# Ours\n\n<!-- card: ")


def test_what_the_manifest_does_not_know_is_not_drawn(shipped: Manifest, tmp_path: Path) -> None:
    write_card(shipped, tmp_path)
    unjudged = replace(shipped, evaluation=None, effects=None, rows=None, classifier=None)
    page = write_card(unjudged, tmp_path).read_text("utf-8")
    assert "Nobody has judged it" in page
    assert "](plots/" not in page
    assert plots_in(tmp_path) == {}


def test_a_directory_that_takes_no_card_is_one_line(shipped: Manifest) -> None:
    with pytest.raises(SettingsError, match="cannot write the card to /proc/self/card: "):
        write_card(shipped, Path("/proc/self/card"))
