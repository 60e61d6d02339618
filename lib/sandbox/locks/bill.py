"""`python -m sandbox.locks.bill`: a bill of materials of all that the locks name (CycloneDX 1.6).

Standard output gets JSON, or with `--licences` a table for people. Nothing is fetched, so licences
are told of what is installed and cached here: after `./run-tests.sh` that is everything.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from configparser import ConfigParser
from urllib.parse import quote

from launcher.cache.directory import cache_directory
from launcher.cache.jar_lock import LOCK, file_name
from sandbox.kafka.kafka_jars import KAFKA
from sandbox.locks.licences import is_spdx, jar_licence, package_licence
from sandbox.locks.locked_packages import EXTRAS, HOME, blocks, lock_file
from telco_churn.errors import exit_with

Component = dict[str, object]
_SCOPES = {"": "required", "java": "required", "mlflow": "optional", "otel": "optional"}


def bill() -> dict[str, object]:
    """The bill, in the words of CycloneDX: the same for the same locks on the same machine.

    The job's packages and jars are `required`, the sandbox's Kafka and clients that few need are
    `optional`, what only builds, tests or measures is `excluded`.
    """
    parser = ConfigParser()
    parser.read(HOME / "setup.cfg", encoding="utf-8")
    job = parser["metadata"]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": job["name"],
                "name": job["name"],
                "version": job["version"],
                **_licensed(job["license"]),
            }
        },
        "components": [*_packages(), *_jars()],
    }


def licence_table() -> str:
    """One line for each component: its name, version, scope, licence."""
    rows = ["| component | version | scope | licence |", "| --- | --- | --- | --- |"]
    for purl, component in sorted((str(c["purl"]), c) for c in (*_packages(), *_jars())):
        name = purl.removeprefix("pkg:").partition("@")[0]
        told = re.findall(r"'(?:expression|name)': '([^']*)'", str(component.get("licenses", "")))
        licence = ", ".join(told) or "not told here"
        rows.append(f"| {name} | {component['version']} | {component['scope']} | {licence} |")
    return "\n".join([*rows, ""])


def _packages() -> Iterator[Component]:
    seen = set()
    for extra in ("", *EXTRAS):
        for block in blocks(lock_file(extra).read_text("utf-8")):
            name, version = re.findall(r"^([\w.-]+)==([^\s;]+)", block)[0]
            if (name, version) in seen:
                continue
            seen.add((name, version))
            yield {
                **_component(f"pkg:pypi/{name}", name, version),
                "scope": _SCOPES.get(extra, "excluded"),
                "hashes": [
                    _hash("SHA-256", digest) for digest in re.findall(r"sha256:(\w+)", block)
                ],
                **_licensed(package_licence(name)),
            }


def _jars() -> Iterator[Component]:
    for directory, jars in tomllib.loads(LOCK.read_text("utf-8")).items():
        for coordinates, digest in jars.items():
            group, name, version = coordinates.split(":")
            path = cache_directory() / directory / file_name(coordinates)
            yield {
                **_component(f"pkg:maven/{group}/{name}", name, version),
                "group": group,
                "scope": "optional" if directory == KAFKA.directory else "required",
                "hashes": [_hash("SHA-512", digest)],
                **_licensed(jar_licence(path, coordinates)),
            }


def _component(purl: str, name: str, version: str) -> Component:
    # A + or ! in a version means something else in such an address.
    address = f"{purl}@{quote(version, safe='.-_')}"
    return {
        "type": "library",
        "bom-ref": address,
        "name": name,
        "version": version,
        "purl": address,
    }


def _hash(algorithm: str, digest: str) -> dict[str, str]:
    return {"alg": algorithm, "content": digest}


def _licensed(licence: str | None) -> Component:
    if not licence:
        return {}
    if is_spdx(licence):
        return {"licenses": [{"expression": licence}]}
    return {"licenses": [{"license": {"name": licence}}]}


def main(arguments: Sequence[str]) -> None:
    """Writes the bill, or the table of licences.

    Raises:
        SystemExit: there is another argument.
    """
    if list(arguments) not in ([], ["--licences"]):
        raise SystemExit("usage: python -m sandbox.locks.bill [--licences]")
    sys.stdout.write(licence_table() if arguments else json.dumps(bill(), indent=2) + "\n")


if __name__ == "__main__":
    exit_with("sandbox.locks.bill", main, sys.argv[1:])
