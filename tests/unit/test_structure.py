"""Rules for the sources themselves, read with `ast`."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]
MODULES = {
    str(path.relative_to(HOME)): ast.parse(path.read_text("utf-8"))
    for folder in ("lib", "jobs", "dashboards")
    for path in sorted((HOME / folder).rglob("*.py"))
}
MAX_LINES = 250

LAYERS = ("stream_telemetry", "telco_churn", "launcher", "churn_tools", "sandbox")
"""Our packages from the bottom up; each may import those before it."""
OURS = set(LAYERS)
MAY_IMPORT = {
    **{f"lib/{name}/": set(LAYERS[: place + 1]) for place, name in enumerate(LAYERS)},
    "jobs/": OURS,
    "dashboards/": {
        *("stream_telemetry.metrics", "stream_telemetry.options", "stream_telemetry.values"),
        *("telco_churn.settings.flags", "telco_churn.settings.resolve"),
    },
}

# What real-time mode refuses, what leaves generated code, and what brings rows to the driver.
FORBIDDEN_CALLS = {
    "udf",
    "pandas_udf",
    "arrow_udf",
    "udtf",
    "mapInPandas",
    "mapInArrow",
    "applyInPandas",
    "applyInPandasWithState",
    "transformWithState",
    "transformWithStateInPandas",
    "foreach",
    "foreachBatch",
    "foreachPartition",
    "collect",
    "toPandas",
    "toArrow",
    "toLocalIterator",
    "rdd",
}
EXCEPTIONS = {
    ("lib/telco_churn/query/session.py", "collect"): "runs ADD JAR, which answers with no row",
    ("lib/churn_tools/training/fit.py", "collect"): "a batch job: counts and shares, not customers",
}

SKIPPED_FOLDERS = {"logs", "artifacts", "checkpoints", "spark-warehouse", "metastore_db"}
# A home or a workplace in an absolute path; a path in a longer one, or after a `}`, is none.
MACHINE_PATH = re.compile(r"(?<![\w.}/-])/(?:work|root|home/\w+|Users/\w+|tmp/w)/")
SHARED_PATH = re.compile(r"\.\.[/\"', ]+shared\b")


def imports(tree: ast.AST) -> Iterator[str]:
    """Full names of what is imported from our packages; relative imports stay in their own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in OURS)


def strays(path: str, tree: ast.AST) -> list[str]:
    """Imports that go another way than they may."""
    (allowed,) = (names for start, names in MAY_IMPORT.items() if path.startswith(start))
    return [
        name for name in imports(tree) if not any(f"{name}.".startswith(f"{a}.") for a in allowed)
    ]


def forbidden(tree: ast.AST) -> set[str]:
    """Forbidden functions that are called, decorate or are imported."""
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {node.name for node in ast.walk(tree) if isinstance(node, ast.alias)}
    return used & FORBIDDEN_CALLS


def global_metrics(tree: ast.AST) -> list[str]:
    """Uses of the Prometheus client that fall back on its global registry."""
    imported = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("prometheus_client")
        for alias in node.names
    }
    metrics = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
    makers = {name for name, original in imported.items() if original in metrics}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [name for name, original in imported.items() if original == "REGISTRY"] + [
        ast.unparse(call.func)
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id in makers
        and not any(keyword.arg == "registry" for keyword in call.keywords)
    ]


def without_docstring(tree: ast.Module) -> Iterator[str]:
    """Public modules, classes, functions and methods without one; `__init__` needs none."""

    def visit(node: ast.Module | ast.ClassDef, owner: str) -> Iterator[str]:
        for part in node.body:
            if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if part.name.startswith("_"):
                continue
            if not ast.get_docstring(part):
                yield owner + part.name
            if isinstance(part, ast.ClassDef):
                yield from visit(part, f"{owner}{part.name}.")

    if not ast.get_docstring(tree):
        yield "the module"
    yield from visit(tree, "")


def without_return_type(tree: ast.AST) -> list[str]:
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return [function.name for function in functions if function.returns is None]


def project_texts() -> Iterator[tuple[str, str]]:
    """Path and content of every text file of the project, without what git ignores."""
    for folder, folders, names in os.walk(HOME):
        folders[:] = [
            name
            for name in folders
            if (Path(folder) != HOME or name not in SKIPPED_FOLDERS)
            and not name.endswith((".egg-info", "__pycache__"))
            and (name in (".ci", ".github") or not name.startswith("."))
        ]
        # In a linked working tree `.git` is a file, and holds a path.
        for path in (Path(folder) / name for name in names if name != ".git"):
            try:
                yield str(path.relative_to(HOME)), path.read_text("utf-8")
            except UnicodeDecodeError:
                continue


def test_imports_go_one_way() -> None:
    assert {path: s for path, tree in MODULES.items() if (s := strays(path, tree))} == {}


def test_every_package_and_both_kinds_of_imports_are_seen() -> None:
    starts = tuple(MAY_IMPORT)
    assert {s for s in starts if any(path.startswith(s) for path in MODULES)} == set(starts)
    assert all(path.startswith(starts) for path in MODULES)
    wrong = ast.parse(
        "def f():\n import telco_churn.run\n from sandbox.kafka import broker\n import os"
    )
    assert strays("lib/stream_telemetry/x.py", wrong) == ["telco_churn.run", "sandbox.kafka.broker"]
    upwards = ast.parse("from sandbox.errors import SandboxError")
    assert strays("lib/sandbox/x.py", upwards) == []
    assert strays("lib/churn_tools/x.py", upwards) == ["sandbox.errors.SandboxError"]


def test_the_plan_holds_no_python_and_brings_no_rows_to_the_driver() -> None:
    plans = {path: tree for path, tree in MODULES.items() if not path.startswith("lib/sandbox/")}
    found = {(path, name) for path, tree in plans.items() for name in forbidden(tree)}
    assert found == EXCEPTIONS.keys(), "an exception that is not used is to go"


@pytest.mark.parametrize(
    "source",
    ["@F.udf\ndef f(): ...", "x.writeStream.foreachBatch(f)", "from a import pandas_udf", "d.rdd"],
)
def test_python_in_the_plan_is_found(source: str) -> None:
    assert forbidden(ast.parse(source))


def test_metrics_are_in_a_registry_that_is_passed_around() -> None:
    assert {path: g for path, tree in MODULES.items() if (g := global_metrics(tree))} == {}


def test_the_global_registry_is_found() -> None:
    source = "from prometheus_client import REGISTRY, Counter as C\nC('a', 'b')\nC('a', registry=r)"
    assert global_metrics(ast.parse(source)) == ["REGISTRY", "C"]
    assert global_metrics(ast.parse("from collections import Counter\nCounter()")) == []


def test_a_module_has_at_most_250_lines() -> None:
    lines = {path: len((HOME / path).read_text("utf-8").splitlines()) for path in MODULES}
    assert {path: count for path, count in lines.items() if count > MAX_LINES} == {}


def test_everything_public_has_a_docstring() -> None:
    found = {path: list(without_docstring(tree)) for path, tree in MODULES.items()}
    assert {path: names for path, names in found.items() if names} == {}


def test_every_function_has_a_return_type() -> None:
    found = {path: without_return_type(tree) for path, tree in MODULES.items()}
    assert {path: names for path, names in found.items() if names} == {}


def test_a_missing_docstring_or_return_type_is_found() -> None:
    tree = ast.parse("class A:\n def b(self): ...\n def _c(self) -> int: ...\ndef _d(): ...")
    assert list(without_docstring(tree)) == ["the module", "A", "A.b"]
    assert sorted(without_return_type(tree)) == ["_d", "b"]


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    texts = dict(project_texts())
    assert MODULES.keys() < texts.keys()
    found = {path: MACHINE_PATH.findall(text) for path, text in texts.items()}
    assert {path: paths for path, paths in found.items() if paths} == {}


def test_nothing_is_read_from_outside_the_project() -> None:
    found = {path: SHARED_PATH.findall(text) for path, text in project_texts()}
    assert {path: paths for path, paths in found.items() if paths} == {}


@pytest.mark.parametrize("folder", ["work", "root", "home/ann", "Users/ann", "tmp/w"])
def test_a_path_of_a_machine_is_found(folder: str) -> None:
    assert MACHINE_PATH.search(f'open("/{folder}/main/x.py")')
    assert not MACHINE_PATH.search(f"artifacts/{folder}/x.py")
    assert SHARED_PATH.search("open('.." + "/shared/spec.md')")
