"""Rules for the sources themselves: who imports whom, how large things are, what they are called.

What ruff and mypy check is not checked again here.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sources import HOME, modules

MODULES = modules("lib", "jobs", "dashboards")
ROOMS = {
    folder: sorted(path.stem for path in folder.glob("*.py"))
    for folder in (HOME / "lib").rglob("*")
    if folder.is_dir() and any(folder.glob("*.py"))
}

MAX_MODULES = 9
MAX_FILE_LINES = 250
MAX_FUNCTION_LINES = 50
MAX_USUAL_FUNCTION_LINES = 20
"""Nine functions of ten are no longer."""
MAX_OWNERS_OF_ALL_SETTINGS = 5

LAYERS = ("stream_telemetry", "telco_churn", "launcher", "churn_tools", "sandbox")
"""Our packages from the bottom up; each may import those before it."""
OURS = set(LAYERS)
MAY_IMPORT = {
    **{f"lib/{name}/": set(LAYERS[: place + 1]) for place, name in enumerate(LAYERS)},
    "jobs/": OURS,
    "dashboards/": {
        *("stream_telemetry.metrics", "stream_telemetry.options", "stream_telemetry.values"),
        *("telco_churn.settings.flags", "telco_churn.settings.resolve", "telco_churn.errors"),
    },
}

ALL_SETTINGS = "telco_churn.settings.job.Settings"
SAME_THING_EACH_TIME = {
    *("__init__", "__main__", "command", "errors", "page", "settings", "telemetry"),
}
"""Names of files that mean the same wherever they are."""
SAYS_NOTHING = re.compile(r"(?:^|_)(?:utils?|helpers?|managers?|common|misc)(?:$|_)")

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
    ("lib/stream_telemetry/outlets/exposition.py", "collect"): "asks a registry for metrics",
    ("lib/telco_churn/query/session.py", "collect"): "runs ADD JAR, which answers with no row",
    ("lib/telco_churn/model/try_out.py", "collect"): "scores made-up customers, before the query",
    ("lib/telco_churn/model/spark_ml/culprit.py", "collect"): "looks for what a trial has found",
    ("lib/churn_tools/training/fit.py", "collect"): "a batch job: who left, and what was predicted",
    ("lib/churn_tools/training/distribution.py", "collect"): "a batch job: shares, not customers",
    ("lib/churn_tools/models/judging.py", "collect"): "a batch job: labels and scores, at adoption",
    ("lib/churn_tools/training/effects.py", "collect"): "a batch job: means, not customers",
}


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


def sentences(text: str) -> int:
    return len(re.findall(r"[.?!](?=\s|$)", text))


def function_sizes() -> dict[str, int]:
    """Lines of each function in `lib/`, docstring and all."""
    return {
        f"{path}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path, tree in MODULES.items()
        if path.startswith("lib/")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


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


def test_few_modules_know_all_settings() -> None:
    owners = [path for path, tree in MODULES.items() if ALL_SETTINGS in imports(tree)]
    assert 0 < len(owners) <= MAX_OWNERS_OF_ALL_SETTINGS, f"take a section instead: {owners}"


def test_a_module_is_short() -> None:
    lines = {path: len((HOME / path).read_text("utf-8").splitlines()) for path in MODULES}
    assert {path: count for path, count in lines.items() if count > MAX_FILE_LINES} == {}


def test_a_function_is_short_and_most_are_very_short() -> None:
    sizes = function_sizes()
    assert {name: size for name, size in sizes.items() if size > MAX_FUNCTION_LINES} == {}
    assert sorted(sizes.values())[len(sizes) * 9 // 10] <= MAX_USUAL_FUNCTION_LINES


def test_a_folder_has_few_modules() -> None:
    counts = {str(room.relative_to(HOME)): len(set(s) - {"__init__"}) for room, s in ROOMS.items()}
    assert {room: count for room, count in counts.items() if count > MAX_MODULES} == {}


def test_each_folder_says_in_two_or_three_sentences_what_it_answers() -> None:
    found = {
        str(room.relative_to(HOME)): ast.get_docstring(
            ast.parse((room / "__init__.py").read_text("utf-8"))
        )
        for room in ROOMS
    }
    assert {room: doc for room, doc in found.items() if sentences(doc or "") not in (2, 3)} == {}


def test_no_name_is_one_that_says_nothing() -> None:
    names = [
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        for path, tree in MODULES.items()
        for name in (
            *Path(path).with_suffix("").parts,
            *(n.name for n in ast.walk(tree) if isinstance(n, ast.ClassDef | ast.FunctionDef)),
        )
    ]
    assert {name for name in names if SAYS_NOTHING.search(name)} == set()
    assert SAYS_NOTHING.search("topic_manager")
    assert not SAYS_NOTHING.search("start_alertmanager")


def test_no_file_name_stands_for_two_things() -> None:
    stems = Counter(stem for room in ROOMS.values() for stem in room)
    twice = {stem for stem, count in stems.items() if count > 1}
    assert twice <= SAME_THING_EACH_TIME


def test_unit_tests_mirror_the_folders_that_they_test() -> None:
    tests = HOME / "tests" / "unit"
    tested = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")} - {Path()}
    assert tested <= {room.relative_to(HOME / "lib") for room in ROOMS}
