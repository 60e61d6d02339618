"""The exporter with TLS, certificates of clients and a login, scraped by a real Prometheus.

The configuration is the one that docs/security.md shows.
"""

from __future__ import annotations

import copy
import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml
from binaries import prometheus_on
from certificates import Authority
from job import HOME
from served import Served, serve
from waiting import eventually

from stream_telemetry.outlets.tls import Tls

pytestmark = pytest.mark.needs("prometheus")

WRONG: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "an authority that is not the exporter's": (
        lambda job: job["tls_config"].update(ca_file="other.pem"),
        "certificate signed by unknown authority",
    ),
    "no certificate of its own": (
        lambda job: [job["tls_config"].pop(name) for name in ("cert_file", "key_file")],
        "certificate required",
    ),
    "a certificate of somebody else's": (
        lambda job: job["tls_config"].update(cert_file="alien.pem", key_file="alien.pem"),
        "unknown certificate authority",
    ),
    "an own certificate that has expired": (
        lambda job: job["tls_config"].update(cert_file="expired.pem", key_file="expired.pem"),
        "expired certificate",
    ),
    "a wrong password": (
        lambda job: job["basic_auth"].update(password_file="wrong"),
        "401 Unauthorized",
    ),
    "no login": (lambda job: job.pop("basic_auth"), "401 Unauthorized"),
    "no TLS": (lambda job: [job.pop("tls_config"), job.update(scheme="http")], ""),
}


def documented(target: str) -> dict[str, Any]:
    """The scrape configuration in the documentation, for this target and files beside it."""
    page = (HOME / "docs" / "security.md").read_text("utf-8")
    (block,) = re.findall(r"```yaml\n(scrape_configs:.*?)```", page, re.DOTALL)
    text = block.replace("churn.example.org:8000", target).replace("/etc/prometheus/churn/", "")
    (job,) = yaml.safe_load(text)["scrape_configs"]
    assert isinstance(job, dict)
    return job


@contextmanager
def targets(directory: Path, right: dict[str, Any]) -> Iterator[Callable[[str], tuple[str, str]]]:
    """Health and last error of each scrape, by its name, in a Prometheus that runs."""
    jobs = [right | {"job_name": "right"}]
    for name, (spoil, _) in WRONG.items():
        jobs.append(copy.deepcopy(right) | {"job_name": name})
        spoil(jobs[-1])
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}
    with prometheus_on(directory, yaml.safe_dump(config)) as url:

        def state(name: str) -> tuple[str, str]:
            with urlopen(f"{url}/api/v1/targets", timeout=5) as answer:
                found = json.load(answer)["data"]["activeTargets"]
            # In its first seconds it knows of none.
            return next(
                ((t["health"], t["lastError"]) for t in found if t["scrapePool"] == name),
                ("unknown", ""),
            )

        yield state


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Everybody's, and the files that the configuration names."""
    other = Authority.made(tmp_path, "other")
    other.sign("alien")
    authority = Authority.made(tmp_path, "ca")
    authority.sign("expired", is_expired=True)
    client = authority.sign("client")
    client.with_suffix(".key").write_bytes(client.read_bytes())
    for name, password in (("password", "sésame"), ("wrong", "not-it")):
        (tmp_path / name).write_text(password, "utf-8")
    return authority


@pytest.fixture
def served(tmp_path: Path, authority: Authority) -> Iterator[Served]:
    server = authority.sign("server")
    with ExitStack() as stack:
        yield serve(stack, "scraper:sésame", Tls(server, server, authority.pem))


def test_the_right_ones_get_in_and_each_wrong_one_hears_why(
    tmp_path: Path, served: Served, authority: Authority
) -> None:
    host, port = served.address
    with ExitStack() as stack:
        # They have got no further than to connect, and hold up nobody.
        for _ in range(50):
            stack.enter_context(socket.create_connection((host, port)))
        state = stack.enter_context(targets(tmp_path, documented(f"{host}:{port}")))
        assert eventually(lambda: state("right")[0] == "up"), state("right")
        for name, (_, reason) in WRONG.items():
            assert eventually(lambda name=name: state(name)[0] == "down"), name  # type: ignore[misc]
            assert reason in state(name)[1], (name, state(name))
        assert state("right") == ("up", "")


def test_a_certificate_that_is_replaced_is_shown_at_the_next_scrape(
    tmp_path: Path, served: Served, authority: Authority
) -> None:
    host, port = served.address
    stranger = "an authority that is not the exporter's"
    with targets(tmp_path, documented(f"{host}:{port}")) as state:
        assert eventually(lambda: state("right")[0] == "up"), state("right")
        (tmp_path / "server.pem").write_bytes((tmp_path / "alien.pem").read_bytes())
        assert eventually(lambda: state(stranger)[0] == "up"), state(stranger)
        assert eventually(lambda: state("right")[0] == "down")
        assert "certificate signed by unknown authority" in state("right")[1]
