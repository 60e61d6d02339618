from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import urlopen

import pytest
from binaries import pushgateway

from sandbox.ports import LOOPBACK, free_port
from stream_telemetry.batch.observation import Histogram, Observed
from stream_telemetry.batch.progress import Batch
from stream_telemetry.errors import TelemetryError
from stream_telemetry.outlets.push import Gateway, PushThread

NOTHING = Histogram((), 0.0)


def make_batch(number: int, read: int = 10) -> Batch:
    observed = Observed(read - 2, {"validation_error": 2}, {}, NOTHING)
    return Batch(number, 1000.0, 2.0, {}, read, observed, {})


def groups(url: str) -> dict[tuple[str, str], dict[str, float]]:
    """What the gateway holds: values by metric, by (job, instance)."""
    with urlopen(f"{url}/api/v1/metrics", timeout=5) as answer:
        document = json.load(answer)
    found: dict[tuple[str, str], dict[str, float]] = {}
    for group in document["data"]:
        key = group["labels"]["job"], group["labels"].get("instance", "")
        found[key] = {
            name: float(family["metrics"][0]["value"])
            for name, family in group.items()
            if name.startswith("stream_")
        }
    return found


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class Pushing:
    """A push thread and the number of pushes that failed."""

    def __init__(self, url: str, **options: Any) -> None:
        self.errors = 0
        self.thread = PushThread(Gateway(url, "churn", "group", **options), self._on_error)
        self.thread.start()

    def _on_error(self) -> None:
        self.errors += 1


def test_each_batch_replaces_the_group_and_totals_add_up(tmp_path: Path) -> None:
    with pushgateway(tmp_path) as url:
        pushing = Pushing(url)
        pushing.thread.put(make_batch(4))
        assert eventually(lambda: ("churn", "group") in groups(url))
        pushing.thread.put(make_batch(5, read=30))
        assert eventually(lambda: groups(url)["churn", "group"]["stream_batch_id"] == 5)
        values = groups(url)["churn", "group"]
        assert values["stream_batch_records_read"] == 30
        assert values["stream_batch_records_succeeded"] == 28
        assert values["stream_run_records_read"] == 40
        assert values["stream_run_records_failed"] == 4
        assert values["stream_run_batches"] == 2
        assert values["stream_run_end_timestamp_seconds"] == 0
        pushing.thread.finish(succeeded=True, keep=False)
        assert groups(url) == {}
        assert pushing.errors == 0


def test_a_run_over_what_there_is_leaves_its_figures_also_when_there_was_nothing(
    tmp_path: Path,
) -> None:
    with pushgateway(tmp_path) as url:
        pushing = Pushing(url)
        pushing.thread.finish(succeeded=True, keep=True)
        values = groups(url)["churn", "group"]
        assert values["stream_run_records_read"] == 0
        assert values["stream_run_succeeded"] == 1
        assert values["stream_run_end_timestamp_seconds"] > 0


def test_a_stream_that_failed_leaves_its_figures(tmp_path: Path) -> None:
    with pushgateway(tmp_path) as url:
        pushing = Pushing(url)
        pushing.thread.finish(succeeded=False, keep=False)
        assert groups(url)["churn", "group"]["stream_run_succeeded"] == 0


def test_five_restarts_leave_one_group(tmp_path: Path) -> None:
    with pushgateway(tmp_path) as url:
        for number in range(5):
            pushing = Pushing(url)
            pushing.thread.put(make_batch(number))
            pushing.thread.finish(succeeded=True, keep=True)
        assert list(groups(url)) == [("churn", "group")]


def test_pushing_resumes_when_the_gateway_is_back(tmp_path: Path) -> None:
    port = free_port()
    pushing = Pushing(f"http://{LOOPBACK}:{port}")
    pushing.thread.put(make_batch(1))
    assert eventually(lambda: pushing.errors == 1)
    with pushgateway(tmp_path, port) as url:
        pushing.thread.put(make_batch(2))
        assert eventually(lambda: bool(groups(url)))
        assert groups(url)["churn", "group"]["stream_run_records_read"] == 20
        pushing.thread.finish(succeeded=True, keep=False)


def test_a_gateway_that_never_answers_costs_the_query_nothing() -> None:
    with socket.create_server((LOOPBACK, 0)) as black_hole:
        pushing = Pushing(f"http://{LOOPBACK}:{black_hole.getsockname()[1]}")
        start = time.monotonic()
        for number in range(10_000):
            pushing.thread.put(make_batch(number))
        assert time.monotonic() - start < 1.0
        assert eventually(lambda: pushing.errors >= 1, 4)
        start = time.monotonic()
        pushing.thread.finish(succeeded=True, keep=False)
        assert time.monotonic() - start < 7.0
        assert 2 <= pushing.errors <= 4


class Recorder(BaseHTTPRequestHandler):
    """Answers every request as its server says, and keeps what it was sent."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, self.headers.get("Authorization")))  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Location", self.server.location)  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def recorder(status: int, location: str = "/") -> Iterator[Any]:
    server = HTTPServer((LOOPBACK, 0), Recorder)
    server.status, server.location, server.requests = status, location, []  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("in_url", "options", "expected"),
    [
        ("", {}, None),
        ("name:p%40ss@", {}, "Basic bmFtZTpwQHNz"),
        ("", {"login": "name:p@ss"}, "Basic bmFtZTpwQHNz"),
        ("other:x@", {"login": "name:p@ss"}, "Basic bmFtZTpwQHNz"),
    ],
)
def test_the_login_goes_into_the_header_and_not_into_the_url(
    in_url: str, options: dict[str, str], expected: str | None
) -> None:
    with recorder(200) as server:
        pushing = Pushing(f"http://{in_url}{LOOPBACK}:{server.server_port}", **options)
        pushing.thread.finish(succeeded=True, keep=True)
        assert server.requests == [("/metrics/job/churn/instance/group", expected)]
        assert pushing.errors == 0


@pytest.mark.parametrize("status", [302, 307, 400, 500])
def test_redirects_are_not_followed_and_refusals_are_counted(status: int) -> None:
    with (
        recorder(200) as elsewhere,
        recorder(status, f"http://{LOOPBACK}:{elsewhere.server_port}/") as server,
    ):
        pushing = Pushing(f"http://u:p@{LOOPBACK}:{server.server_port}")
        pushing.thread.finish(succeeded=True, keep=True)
        assert pushing.errors == 1
        assert elsewhere.requests == []


def test_a_ca_file_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(TelemetryError, match=r"Pushgateway CA .*ca\.pem"):
        Gateway("https://localhost", "churn", "group", ca=tmp_path / "ca.pem").check()
