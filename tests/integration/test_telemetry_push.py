"""What a real Pushgateway holds of a run, while it lasts and after it."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest
from binaries import pushgateway
from pushing import Pushing, groups, make_batch
from waiting import eventually

from sandbox.ports import LOOPBACK, free_port
from stream_telemetry.outlets import push
from stream_telemetry.outlets.run_report import exit_code
from telco_churn.errors import QueryFailedError

pytestmark = pytest.mark.needs("prometheus-pushgateway")


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
