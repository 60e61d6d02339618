"""No page names what is not there, and CONTRIBUTING.md names each folder of the product."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from sources import HOME

PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in (HOME / "docs").glob("*.md"))]
LIB = HOME / "lib"

PATH = re.compile(
    r"(?<![\w./:-])(?:\./)?((?:lib|jobs|conf|models|dashboards|bench|deploy|docs|tests|\.ci)/[\w./*-]*\w)"
)
SCRIPT = re.compile(r"(?<![\w.])\./([\w-]+\.sh)\b")
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")
OURS = "telco_churn|stream_telemetry|launcher|churn_tools|sandbox"
MODULE = re.compile(rf"(?<![\w./-])((?:{OURS})(?:\.\w+)+)")


def unknown_names(page: str, folder: Path = HOME) -> set[str]:
    """Paths and modules that a text names and that are not there."""
    paths = {path.rstrip(".") for pattern in (PATH, SCRIPT) for path in pattern.findall(page)}
    return {
        *(path for path in paths if not any(HOME.glob(path))),
        *(link for link in LINK.findall(page) if not (folder / link).exists()),
        *(module for module in MODULE.findall(page) if not is_there(module)),
    }


def is_there(name: str) -> bool:
    """Whether `name` is a module, an archive of one, or something that a module defines."""
    owner, _, last = name.rpartition(".")
    path = LIB / name.replace(".", "/")
    if last == "zip" or path.is_dir() or path.with_suffix(".py").exists():
        return True
    source = LIB / f"{owner.replace('.', '/')}.py"
    body = ast.parse(source.read_text("utf-8")).body if source.exists() else []
    return last in {part.name for part in body if isinstance(part, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_names_is_there(name: str) -> None:
    page = HOME / name
    assert unknown_names(page.read_text("utf-8"), page.parent) == set()


def test_contributing_says_of_each_folder_what_is_there() -> None:
    told = re.findall(r"^\| `(lib/\S+)` \|", (HOME / "CONTRIBUTING.md").read_text("utf-8"), re.M)
    folders = {str(path.parent.relative_to(HOME)) for path in LIB.rglob("__init__.py")}
    assert sorted(told) == sorted(folders)


def test_what_is_not_there_is_found_in_a_page() -> None:
    text = """
    Run `./none.sh` or ./spark-submit.sh; see `lib/telco_churn/pipeline.py`, [docs](docs/none.md),
    `conf/contracts/*.json`, conf/none/*.json, `telco_churn.settings.job`, telco_churn.none and
    `telco_churn.pipeline.ChurnPipeline`, [away](https://example.org/none) and lib/none.
    """
    expected = {"none.sh", "docs/none.md", "conf/none/*.json", "telco_churn.none", "lib/none"}
    assert unknown_names(text) == expected
