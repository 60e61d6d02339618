"""The exporter's pages, asked for over HTTP."""

from __future__ import annotations

import base64
import json
import re
from contextlib import ExitStack

import pytest
from served import Served, serve

from stream_telemetry.metrics import catalogue


def test_health_is_the_guides_json_with_its_status(served: Served) -> None:
    served.health.set_broker(is_connected=False)
    answer = served.get("/health")
    document = json.loads(answer.body)
    assert answer.status == 503
    assert list(document) == ["status", "timestamp", "checks"]
    assert document["status"] == "unhealthy"
    assert document["checks"]["broker_connection"] == "fail"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", document["timestamp"])
    assert served.get("/health/live").status == 200
    assert served.get("/health/ready").status == 503

    served.health.set_broker(is_connected=True)
    served.health.set_model(is_loaded=True)
    served.health.heard("idle")
    answer = served.get("/health")
    assert answer.status == 200
    assert json.loads(answer.body)["status"] == "healthy"
    assert served.get("/health/ready").status == 200


def test_what_is_not_initialized_yet_is_no_illness_but_not_ready(served: Served) -> None:
    answer = served.get("/health")
    document = json.loads(answer.body)
    assert (answer.status, document["status"]) == (200, "healthy")
    assert set(document["checks"].values()) == {"not_initialized"}
    assert served.get("/health/ready").status == 503


def test_browsers_get_no_icon_and_no_error(served: Served) -> None:
    answer = served.get("/favicon.ico")
    assert (answer.status, answer.body) == (204, "")


def test_the_page_links_to_everything_and_the_summary_says_the_state(served: Served) -> None:
    page = served.get("/")
    assert page.headers["Content-Type"].startswith("text/html")
    links = dict.fromkeys(re.findall(r'href="([^#"]+)"', page.body))
    assert [*links] == ["metrics", "health", "health/live", "health/ready", "api/summary"]
    assert [served.get(f"/{link}").status for link in links] == [200, 200, 200, 503, 200]
    summary = json.loads(served.get("/api/summary").body)
    assert summary["job"]["query"] == "<churn>"
    assert summary["state"]["name"] == "starting"


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "/health/x", "/metricsx"])
def test_other_paths_are_not_found(served: Served, path: str) -> None:
    assert served.get(path).status == 404


def test_only_reading_is_allowed(served: Served) -> None:
    for method in ("POST", "PUT", "DELETE"):
        answer = served.get("/metrics", method)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    head = served.get("/health/ready", "HEAD")
    assert (head.status, head.body) == (503, "")


def test_a_page_that_cannot_be_made_is_one_entry_in_the_log_and_no_other_is_touched(
    stack: ExitStack, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    served = serve(stack)
    served.store.compute(catalogue.PROGRESS_AGE, lambda: 1 / 0)
    assert [served.get("/metrics").status for _ in range(3)] == [500] * 3
    assert len([line for line in caplog.records if line.exc_info]) == 1
    assert capfd.readouterr() == ("", "")
    assert served.get("/health").status == 200


def test_a_login_is_asked_for_except_by_health(stack: ExitStack) -> None:
    served = serve(stack, login="scraper:sésame")
    assert served.get("/metrics").status == 401
    assert served.get("/api/summary").status == 401
    assert served.get("/").headers["WWW-Authenticate"] == 'Basic realm="metrics"'
    assert served.get("/health/live").status == 200
    for login, status in (("scraper:sésame", 200), ("scraper:wrong", 401), ("", 401)):
        token = base64.b64encode(login.encode()).decode()
        assert served.get("/metrics", Authorization=f"Basic {token}").status == status
