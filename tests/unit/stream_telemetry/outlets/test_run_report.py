"""What a Pushgateway hears of a run, from its beginning to its end."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from gateway_server import Asked, KeepingServer, keeping_server

from stream_telemetry.batch.observation import Histogram, Observed
from stream_telemetry.batch.progress import Batch
from stream_telemetry.errors import TelemetryError
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.bounds import PROCESSING_BUCKETS
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.outlets.gateway import Gateway
from stream_telemetry.outlets.run_report import RUNNING, RunReport, exit_code
from telco_churn.errors import ModelError


@pytest.fixture
def server() -> Iterator[KeepingServer]:
    with keeping_server() as made:
        yield made


def report(server: KeepingServer, *, keep: bool = True, expected: float = 0.0) -> RunReport:
    gateway = Gateway(f"http://{server.place}", "churn", "group")
    return RunReport(gateway, keep=keep, expected_interval=expected)


def figures(asked: Asked) -> dict[str, float]:
    found = re.findall(r"^(stream_\w+) (\S+)$", asked.body, re.MULTILINE)
    return {name: float(value) for name, value in found}


def batch(number: int, read: int = 10) -> Batch:
    observed = Observed(read - 2, {"validation_error": 2}, {}, Histogram((), 0.0))
    return Batch(number, 1000.0, 2.5, {}, read, observed, {})


def test_the_gateway_hears_of_a_run_before_it_has_done_anything(server: KeepingServer) -> None:
    before = time.time()
    with report(server, expected=3600.0):
        (asked,) = server.asked
        told = figures(asked)
    assert told["stream_run_exit_code"] == RUNNING
    assert before - 1 < told["stream_run_started_timestamp_seconds"] < time.time() + 1
    assert told["stream_run_end_timestamp_seconds"] == 0
    assert 3600.0 in told.values()


def test_a_run_that_ends_well_says_so_and_when(server: KeepingServer) -> None:
    with report(server) as run:
        run.is_complete = True
    told = figures(server.asked[-1])
    assert told["stream_run_exit_code"] == 0
    assert told["stream_run_end_timestamp_seconds"] > 0
    assert "stream_run_last_success_timestamp_seconds" in told


def test_a_run_that_fails_leaves_the_last_success_as_it_is(server: KeepingServer) -> None:
    with pytest.raises(ModelError), report(server):
        raise ModelError("no model")
    told = figures(server.asked[-1])
    assert told["stream_run_exit_code"] == 3
    assert "stream_run_last_success_timestamp_seconds" not in told


def test_a_run_that_ended_without_its_query_s_end_is_no_success(server: KeepingServer) -> None:
    with report(server):
        pass
    told = figures(server.asked[-1])
    assert told["stream_run_exit_code"] == 0
    assert "stream_run_last_success_timestamp_seconds" not in told


@pytest.mark.parametrize(
    ("keep", "is_complete", "last"),
    [(False, True, "DELETE"), (False, False, "POST"), (True, True, "POST")],
)
def test_only_a_stream_that_ended_well_leaves_nothing_behind(
    server: KeepingServer, keep: bool, is_complete: bool, last: str
) -> None:
    with report(server, keep=keep) as run:
        run.is_complete = is_complete
    assert server.asked[-1].method == last


def test_a_batch_is_taken_in_and_pushed_when_somebody_asks(server: KeepingServer) -> None:
    with report(server) as run:
        run.put(batch(7))
        assert len(server.asked) == 1
        run.push()
        told = figures(server.asked[-1])
        assert told["stream_batch_id"] == 7


def test_figures_of_batches_add_up_over_the_run(server: KeepingServer) -> None:
    with report(server) as run:
        for number in range(3):
            run.put(batch(number))
    told = figures(server.asked[-1])
    totals = {name: value for name, value in told.items() if name.startswith("stream_run_")}
    assert totals["stream_run_batches"] == 3
    assert {30.0, 24.0, 6.0} <= set(totals.values())


def counted() -> MetricStore:
    store = MetricStore()
    store.add(catalogue.PROCESSED, 9, "success", "raw")
    store.merge(catalogue.PROCESSING_LATENCY, [9] + [0] * len(PROCESSING_BUCKETS), 0.1, "total")
    store.add(catalogue.RECORDS_LOST, 3, "raw", "0")
    store.add(catalogue.RECORDS_LOST, 4, "raw", "1")
    return store


def test_a_run_that_leaves_its_figures_pushes_those_of_the_guide_apart(
    server: KeepingServer,
) -> None:
    with report(server) as run:
        run.read(counted())
    guides, own = server.asked[-2:]
    assert "/run/once" in guides.path
    assert "/run/" not in own.path
    assert 'kafka_messages_processed_total{status="success",topic="raw"} 9.0' in guides.body
    assert 'kafka_processing_latency_seconds_count{operation="total"} 9.0' in guides.body
    assert "kafka_" not in own.body
    assert "stream_" not in guides.body


def test_a_stream_pushes_nothing_that_is_scraped(server: KeepingServer) -> None:
    with report(server, keep=False) as run:
        run.read(counted())
    assert not any("kafka_" in asked.body for asked in server.asked)


def test_records_that_were_lost_to_the_run_are_told(server: KeepingServer) -> None:
    with report(server) as run:
        run.read(counted())
    assert figures(server.asked[-1])["stream_run_records_lost"] == 7


def test_no_figure_is_left_over_from_the_run_before(server: KeepingServer) -> None:
    with report(server) as run:
        run.put(batch(7))
    first, last = figures(server.asked[0]), figures(server.asked[-1])
    assert first.keys() == last.keys()
    assert first["stream_batch_id"] == 0


def test_a_gateway_that_does_not_take_them_is_counted_and_ends_nothing(
    server: KeepingServer,
) -> None:
    server.status = 500
    told: list[int] = []
    with report(server) as run:
        assert run.errors == 1
        run.on_error = lambda: told.append(run.errors)
        run.push()
    assert run.errors == 3
    assert told == [2, 3]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, 0),
        (KeyboardInterrupt(), 130),
        (SystemExit(), 0),
        (SystemExit(None), 0),
        (SystemExit(5), 5),
        (SystemExit("why"), 1),
        (ValueError(), 1),
        (ModelError("x"), 3),
        (TelemetryError("x"), 2),
    ],
)
def test_each_error_stands_for_the_exit_code_of_its_process(
    error: BaseException | None, code: int
) -> None:
    assert exit_code(error) == code


def test_one_line_says_why_pushes_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    with keeping_server() as server:
        address = f"http://{server.place}"
    run = RunReport(Gateway(address, "churn", "group", login="user:secret"), keep=True)
    with caplog.at_level("WARNING"):
        run.push()
        run.push()
    assert run.errors == 2
    (line,) = caplog.messages
    assert address in line
    assert "refused" in line
    assert "secret" not in line
