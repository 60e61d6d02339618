"""The commands of docs/monitoring.md, on a Prometheus that is started as the page says."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator

import pytest
from binaries import binary
from monitoring.rule_files import HOME

from launcher.child import Child
from sandbox.ports import LOOPBACK, free_port

BY_HAND = (HOME / "docs" / "monitoring.md").read_text("utf-8").split("\n## ")[-1]
START, *RECIPES = re.findall(r"^\$ (.+)$", BY_HAND, re.M)
pytestmark = pytest.mark.needs("prometheus", "jq", "curl")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("prometheus")
    address = f"{LOOPBACK}:{free_port()}"
    program, config, *features = START.split()
    where = config.replace("=", f"={HOME}/")
    options = (
        where,
        *features,
        f"--web.listen-address={address}",
        f"--storage.tsdb.path={directory}/data",
    )
    server = Child("prometheus", (binary(program), *options), directory / "log")
    try:
        yield address
    finally:
        server.kill()


def result_of(recipe: str, address: str) -> str:
    command = recipe.replace("localhost:9090", address)
    assert command != recipe
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=30
    ).stdout


def test_the_targets_are_told_with_their_errors(address: str) -> None:
    deadline = time.monotonic() + 60
    while "refused" not in (told := result_of(RECIPES[0], address)):
        assert time.monotonic() < deadline, told
        time.sleep(0.5)
    jobs = {line.split("\t")[0]: line.split("\t")[1:3] for line in told.splitlines()}
    assert jobs["kafka_consumer"][0] == "http://localhost:8000/metrics"
    assert jobs.keys() == {"kafka_consumer", "spark_driver", "spark_executors", "pushgateway"}


def test_a_metric_that_nobody_has_reported_yet_is_an_empty_list(address: str) -> None:
    (recipe,) = RECIPES[1:]
    deadline = time.monotonic() + 60
    while (told := result_of(recipe, address)) != "[]\n":
        assert time.monotonic() < deadline, told
        time.sleep(0.5)
