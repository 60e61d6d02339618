"""Nothing here turns data into code: no pickle, no eval, no shell, no YAML that makes objects."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from sources import modules

MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
CALLS = {"eval", "exec", "compile", "__import__"}
UNSAFE_YAML = {"load", "load_all", "full_load", "unsafe_load"}
METHODS = {("os", "system"), ("os", "popen"), ("pty", "spawn"), ("sparkContext", "pickleFile")}


def dangers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (n.name for n in names if n.name.partition(".")[0] in MODULES)
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in MODULES:
                yield module
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                yield name
            case ast.Call(func=ast.Attribute(value=owner, attr=name), keywords=keywords):
                last = ast.unparse(owner).rpartition(".")[2]
                if (last, name) in METHODS:
                    yield f"{last}.{name}"
                if last == "yaml" and name in UNSAFE_YAML and not is_safe(keywords):
                    yield f"yaml.{name}"
                if last == "subprocess":
                    yield from ("shell" for k in keywords if k.arg == "shell" and is_on(k.value))


def is_safe(keywords: list[ast.keyword]) -> bool:
    return any(k.arg == "Loader" and "Safe" in ast.unparse(k.value) for k in keywords)


def is_on(value: ast.expr) -> bool:
    return not (isinstance(value, ast.Constant) and value.value is False)


@pytest.mark.parametrize("root", ["lib", "jobs", "dashboards", "examples"])
def test_nothing_that_runs_makes_code_of_data(root: str) -> None:
    found = {path: list(dangers(tree)) for path, tree in modules(root).items()}
    assert found
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "import os; os.system('ls')",
        "import yaml; yaml.load(text)",
        "import yaml; yaml.unsafe_load(text)",
        "import subprocess; subprocess.run('ls', shell=True)",
        "import subprocess; subprocess.run('ls', shell=flag)",
    ],
)
def test_what_does_is_found(source: str) -> None:
    assert list(dangers(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "import re; re.compile('a')",
        "import yaml; yaml.safe_load(text)",
        "import yaml; yaml.load(text, Loader=yaml.SafeLoader)",
        "import subprocess; subprocess.run(['ls'], shell=False)",
    ],
)
def test_what_does_not_is_let_be(source: str) -> None:
    assert not list(dangers(ast.parse(source)))
