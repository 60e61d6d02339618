"""Starts the monitoring programs that telemetry is meant for, the real ones."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from launcher.child import Child
from sandbox.ports import LOOPBACK, free_port

_START_LIMIT_SECONDS = 30.0


def binary(name: str) -> str:
    """The path of a program; the test fails where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is not installed; ./run-tests.sh names the packages")
    return path


@contextmanager
def pushgateway(directory: Path, port: int = 0, *options: str) -> Iterator[str]:
    """URL of a running Pushgateway that remembers nothing of an earlier one."""
    address = f"{LOOPBACK}:{port or free_port()}"
    command = [
        binary("prometheus-pushgateway"),
        f"--web.listen-address={address}",
        # Debian's own default is one file for all.
        "--persistence.file=",
        *options,
    ]
    with _running(Child("pushgateway", command, directory / "pushgateway.log"), address) as url:
        yield url


@contextmanager
def prometheus(directory: Path, *targets: str) -> Iterator[str]:
    """URL of a Prometheus that scrapes `targets` (host:port) each second."""
    jobs = "".join(
        f"\n  - job_name: t{number}\n    honor_labels: true"
        f"\n    static_configs: [{{targets: ['{target}']}}]"
        for number, target in enumerate(targets)
    )
    with prometheus_on(
        directory, f"global: {{scrape_interval: 1s}}\nscrape_configs:{jobs}\n"
    ) as url:
        yield url


@contextmanager
def prometheus_on(directory: Path, text: str) -> Iterator[str]:
    """URL of a Prometheus with this configuration."""
    address = f"{LOOPBACK}:{free_port()}"
    config = directory / "prometheus.yml"
    config.write_text(text)
    command = [
        binary("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'tsdb'}",
        "--enable-feature=exemplar-storage",
        f"--web.listen-address={address}",
    ]
    with _running(Child("prometheus", command, directory / "prometheus.log"), address) as url:
        yield url


@contextmanager
def alertmanager(directory: Path, config: Path) -> Iterator[str]:
    """URL of a running Alertmanager with this configuration."""
    address = f"{LOOPBACK}:{free_port()}"
    command = [
        binary("prometheus-alertmanager"),
        f"--config.file={config}",
        f"--storage.path={directory / 'data'}",
        f"--web.listen-address={address}",
        # One of its kind: no port for others.
        "--cluster.listen-address=",
    ]
    with _running(Child("alertmanager", command, directory / "alertmanager.log"), address) as url:
        yield url


@contextmanager
def _running(child: Child, address: str) -> Iterator[str]:
    url = f"http://{address}"
    deadline = time.monotonic() + _START_LIMIT_SECONDS
    try:
        while not _is_ready(url):
            assert child.is_running, child.last_lines()
            assert time.monotonic() < deadline, child.last_lines()
            time.sleep(0.05)
        yield url
    finally:
        child.stop(5)


def _is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/-/ready", timeout=1) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
