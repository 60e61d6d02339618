"""The README must not name what is not there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
LIB = HOME / "lib"

README_PATH = re.compile(
    r"(?<![\w./:-])(?:\./)?((?:lib|jobs|conf|models|dashboards|bench|docs|tests|\.ci)/[\w./*-]*\w)"
)
README_SCRIPT = re.compile(r"(?<![\w.])\./([\w-]+\.sh)\b")
README_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")
README_MODULE = re.compile(r"(?<![\w./-])((?:telco_churn|stream_telemetry|sandbox)(?:\.\w+)+)")


def unknown_names(readme: str) -> set[str]:
    """Paths and modules that a text names and that are not there."""
    paths = {
        path.rstrip(".")
        for pattern in (README_PATH, README_SCRIPT, README_LINK)
        for path in pattern.findall(readme)
    }
    modules = set(README_MODULE.findall(readme))
    return {path for path in paths if not any(HOME.glob(path))} | {
        module for module in modules if not is_there(module)
    }


def is_there(name: str) -> bool:
    """Whether `name` is a module, an archive of one, or something that a module defines."""
    owner, _, last = name.rpartition(".")
    if last == "zip" or (LIB / f"{name.replace('.', '/')}.py").exists():
        return True
    source = LIB / f"{owner.replace('.', '/')}.py"
    body = ast.parse(source.read_text("utf-8")).body if source.exists() else []
    return last in {part.name for part in body if isinstance(part, ast.FunctionDef | ast.ClassDef)}


def test_what_the_readme_names_is_there() -> None:
    readme = HOME / "README.md"
    assert unknown_names(readme.read_text("utf-8") if readme.exists() else "") == set()


def test_what_is_not_there_is_found_in_a_readme() -> None:
    text = """
    Run `./none.sh` or ./spark-submit.sh; see `lib/telco_churn/pipeline.py`, [docs](docs/none.md),
    `conf/contracts/*.json`, conf/none/*.json, `telco_churn.settings.job`, telco_churn.none and
    `telco_churn.pipeline.ChurnPipeline`, [away](https://example.org/none) and lib/none.
    """
    expected = {"none.sh", "docs/none.md", "conf/none/*.json", "telco_churn.none", "lib/none"}
    assert unknown_names(text) == expected
