from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
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
from stream_telemetry.health import Health, Limits
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.outlets import push
from stream_telemetry.outlets.gateway import Gateway
from stream_telemetry.outlets.push import PushThread
from stream_telemetry.outlets.run_report import RunReport, exit_code
from telco_churn.errors import QueryFailedError

pytestmark = pytest.mark.needs("prometheus-pushgateway")

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
    """A run that reports, its push thread, and the number of pushes that failed."""

    def __init__(
        self, url: str, *, keep: bool = False, expected_interval: float = 0.0, **options: Any
    ) -> None:
        self._store = MetricStore()
        self.health = Health(Limits(60), has_model=False)
        gateway = Gateway(url, "churn", "group", **options)
        self._report = RunReport(gateway, keep=keep, expected_interval=expected_interval)
        self._report.__enter__()
        self.thread = PushThread(self._report, self._store, self.health)
        self.thread.start()

    def finish(self, error: BaseException | None = None, *, is_complete: bool = True) -> None:
        self.thread.finish()
        self._report.is_complete = is_complete
        self._report.__exit__(type(error), error, None)

    @property
    def errors(self) -> int:
        return int(self._store.value(catalogue.PUSH_ERRORS))

    @property
    def surprises(self) -> int:
        return int(self._store.value(catalogue.WORKER_ERRORS, "push"))


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
        pushing.finish()
        assert groups(url) == {}
        assert pushing.errors == 0


def test_a_run_over_what_there_is_leaves_its_figures_also_when_there_was_nothing(
    tmp_path: Path,
) -> None:
    with pushgateway(tmp_path) as url:
        pushing = Pushing(url, keep=True)
        pushing.finish()
        values = groups(url)["churn", "group"]
        assert values["stream_run_records_read"] == 0
        assert values["stream_run_succeeded"] == 1
        assert values["stream_run_exit_code"] == 0
        assert values["stream_run_end_timestamp_seconds"] > 0


def test_a_stream_that_failed_leaves_its_figures(tmp_path: Path) -> None:
    with pushgateway(tmp_path) as url:
        pushing = Pushing(url)
        pushing.finish(QueryFailedError("x"))
        values = groups(url)["churn", "group"]
        assert values["stream_run_succeeded"] == 0
        assert values["stream_run_exit_code"] == 5


def test_a_run_says_that_it_has_begun_before_it_has_done_anything(tmp_path: Path) -> None:
    with pushgateway(tmp_path) as url:
        before = time.time()
        pushing = Pushing(url, keep=True, expected_interval=86_400.0)
        values = groups(url)["churn", "group"]
        assert values["stream_run_started_timestamp_seconds"] == pytest.approx(before, abs=5)
        assert values["stream_run_end_timestamp_seconds"] == 0
        assert values["stream_run_succeeded"] == 0
        assert values["stream_run_exit_code"] == -1
        assert values["stream_run_expected_interval_seconds"] == 86_400
        assert "stream_run_last_success_timestamp_seconds" not in values
        pushing.finish()


def test_the_last_success_is_remembered_over_runs_that_fail(tmp_path: Path) -> None:
    name = "stream_run_last_success_timestamp_seconds"
    with pushgateway(tmp_path) as url:
        first = Pushing(url, keep=True)
        first.thread.put(make_batch(7))
        first.finish()
        success = groups(url)["churn", "group"][name]
        assert success == pytest.approx(time.time(), abs=10)
        for error in (QueryFailedError("x"), KeyboardInterrupt(), SystemExit(3), ValueError("x")):
            failed = Pushing(url, keep=True)
            running = groups(url)["churn", "group"]
            assert (running[name], running["stream_run_exit_code"]) == (success, -1)
            # Nothing of the run before is taken for this one's.
            assert (running["stream_batch_id"], running["stream_run_batches"]) == (0, 0)
            failed.finish(error)
            ended = groups(url)["churn", "group"]
            assert (ended[name], ended["stream_run_succeeded"]) == (success, 0)
            assert ended["stream_run_exit_code"] == {ValueError: 1, SystemExit: 3}.get(
                type(error), exit_code(error)
            )
        cut_off = Pushing(url, keep=True)
        cut_off.finish(is_complete=False)
        ended = groups(url)["churn", "group"]
        assert (ended["stream_run_exit_code"], ended["stream_run_succeeded"]) == (0, 0)
        assert ended[name] == success


def test_environments_share_a_gateway_by_further_labels(tmp_path: Path) -> None:
    with pushgateway(tmp_path) as url:
        prod, dev = (Pushing(url, labels={"environment": name}) for name in ("prod", "dev"))
        assert len(labels_of_groups(url)) == 2
        dev.finish()
        assert labels_of_groups(url) == [
            {"job": "churn", "instance": "group", "environment": "prod"}
        ]
        prod.finish()


def labels_of_groups(url: str) -> list[dict[str, str]]:
    with urlopen(f"{url}/api/v1/metrics", timeout=5) as answer:
        return [group["labels"] for group in json.load(answer)["data"]]


def test_a_run_that_has_nothing_new_pushes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "PULSE_SECONDS", 0.2)

    def pushed_at() -> str:
        with urlopen(f"{url}/api/v1/metrics", timeout=5) as answer:
            (group,) = json.load(answer)["data"]
        return str(group["push_time_seconds"]["metrics"][0]["value"])

    def has_pushed_since(before: str) -> bool:
        return pushed_at() != before

    with pushgateway(tmp_path) as url:
        pushing = Pushing(url)
        for _ in range(2):
            before = pushed_at()
            assert eventually(partial(has_pushed_since, before))
        pushing.finish()


def test_five_restarts_leave_one_group(tmp_path: Path) -> None:
    with pushgateway(tmp_path) as url:
        for number in range(5):
            pushing = Pushing(url, keep=True)
            pushing.thread.put(make_batch(number))
            pushing.finish()
        assert list(groups(url)) == [("churn", "group")]


def test_pushing_resumes_when_the_gateway_is_back(tmp_path: Path) -> None:
    port = free_port()
    pushing = Pushing(f"http://{LOOPBACK}:{port}")
    pushing.thread.put(make_batch(1))
    assert eventually(lambda: pushing.errors == 2)
    with pushgateway(tmp_path, port) as url:
        pushing.thread.put(make_batch(2))
        assert eventually(lambda: bool(groups(url)))
        assert groups(url)["churn", "group"]["stream_run_records_read"] == 20
        pushing.finish()


def test_a_gateway_that_never_answers_costs_the_query_nothing() -> None:
    with socket.create_server((LOOPBACK, 0)) as black_hole:
        pushing = Pushing(f"http://{LOOPBACK}:{black_hole.getsockname()[1]}")
        start = time.monotonic()
        for number in range(10_000):
            pushing.thread.put(make_batch(number))
        assert time.monotonic() - start < 3.0
        assert eventually(lambda: pushing.errors >= 1, 4)
        start = time.monotonic()
        pushing.finish()
        assert time.monotonic() - start < 9.0
        assert 3 <= pushing.errors <= 5


class RecordingServer(HTTPServer):
    """Answers with one status, and holds what it was asked: paths and logins."""

    def __init__(self, status: int, location: str) -> None:
        super().__init__((LOOPBACK, 0), Recorder)
        self.status = status
        self.location = location
        self.requests: list[tuple[str, str | None]] = []


class Recorder(BaseHTTPRequestHandler):
    """Answers every request as its server says, and keeps what it was sent."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        assert isinstance(self.server, RecordingServer)
        self.server.requests.append((self.path, self.headers.get("Authorization")))
        self.send_response(self.server.status)
        self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_DELETE = do_PUT

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def recorder(status: int, location: str = "/") -> Iterator[RecordingServer]:
    server = RecordingServer(status, location)
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
    in_url: str, options: dict[str, Any], expected: str | None
) -> None:
    with recorder(200) as server:
        pushing = Pushing(f"http://{in_url}{LOOPBACK}:{server.server_port}", keep=True, **options)
        pushing.finish()
        assert server.requests == [("/metrics/job/churn/instance/group", expected)] * 2
        assert pushing.errors == 0


@pytest.mark.parametrize("status", [302, 307, 400, 500])
def test_redirects_are_not_followed_and_refusals_are_counted(status: int) -> None:
    with (
        recorder(200) as elsewhere,
        recorder(status, f"http://{LOOPBACK}:{elsewhere.server_port}/") as server,
    ):
        pushing = Pushing(f"http://u:p@{LOOPBACK}:{server.server_port}", keep=True)
        pushing.finish()
        assert pushing.errors == 2
        assert elsewhere.requests == []


@contextmanager
def saying(answer: bytes) -> Iterator[str]:
    """A server that gives each client the same answer, whatever it was asked."""
    with socket.create_server((LOOPBACK, 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = server.accept()
                    with client:
                        client.recv(65536)
                        client.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.getsockname()[1]}"
        finally:
            # Closing alone does not wake up a thread that accepts.
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b"", b"HTTP/1.1 two hundred\r\n\r\n"]
)
def test_a_gateway_that_answers_no_http_is_counted_and_pushed_to_again(answer: bytes) -> None:
    with saying(answer) as url:
        pushing = Pushing(url)
        pushing.thread.put(make_batch(1))
        assert eventually(lambda: pushing.errors == 2)
        pushing.thread.put(make_batch(2))
        assert eventually(lambda: pushing.errors == 3)
        pushing.finish()
        assert (pushing.errors, pushing.surprises) == (4, 0)


def test_a_proxy_of_the_environment_gets_neither_figures_nor_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with recorder(200) as server, recorder(200) as proxy:
        for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{LOOPBACK}:{proxy.server_port}")
        monkeypatch.delenv("no_proxy", raising=False)
        pushing = Pushing(f"http://name:secret@{LOOPBACK}:{server.server_port}", keep=True)
        pushing.finish()
        assert pushing.errors == 0
        assert (len(server.requests), proxy.requests) == (2, [])


@pytest.mark.parametrize(
    "url",
    [
        *("http://a b:9091", "http://a:9091/ x", "http://a:9091/\n", "http://a:90x1", "http://"),
        *("http://ä:9091", "http://a:9091?x=1", "http://a:9091#x", "http://a:0"),
    ],
)
def test_a_url_that_cannot_be_pushed_to_is_one_clear_line_without_the_password(url: str) -> None:
    url = url.replace("//a", "//name:secret@a")
    with pytest.raises(TelemetryError, match=r"^Pushgateway URL .*http://host:9091") as error:
        Gateway(url, "churn", "group").check()
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_ca_file_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(TelemetryError, match=r"Pushgateway CA .*ca\.pem"):
        Gateway("https://localhost", "churn", "group", ca=tmp_path / "ca.pem").check()
