"""The page in a real browser, on an exporter whose query no Spark runs."""

from __future__ import annotations

import json
import logging
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from chromium import Tab, chromium
from made_batches import OBSERVATION, made_batch
from served import STREAM, serve
from sources import HOME

from stream_telemetry.broker.read import RecordAddress
from stream_telemetry.logs.backlog import RecordLine
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.recorder import Recorder
from stream_telemetry.stream import Stream

HOSTILE = "<img src=x onerror=window.pwned=1><script>window.pwned=2</script>"
CHURN = replace(STREAM, query="churn")
PSI = Metric("model_feature_psi", "gauge", "Drift.", ("feature", "window"))
pytestmark = pytest.mark.needs("chromium")


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with chromium(tmp_path_factory.mktemp("chromium")) as made:
        yield made


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


class Job:
    """An exporter, and the query that is told of."""

    def __init__(self, stack: ExitStack, stream: Stream = CHURN) -> None:
        self.served = serve(stack, stream=stream)
        self._recorder = Recorder(self.served.store, OBSERVATION, "raw")
        self._number = 0
        self.served.store.declare(catalogue.MODEL_INFO, [("20261122T155842Z",)])
        self.served.store.set(catalogue.MODEL_LOADED, 1)
        self.served.store.set(catalogue.MODEL_CREATED, 1.79e9)
        self.served.health.set_model(is_loaded=True)
        self.waits(0, 0.0)

    @property
    def url(self) -> str:
        return self.served.exporter.url + "/"

    def batch(self, good: int = 250, refused: int = 3) -> None:
        batch = made_batch(self._number, good=good, refused=refused, fields={"tenure": refused})
        self._number += 1
        self._recorder.record(batch)
        self.served.overview.recent.add(batch)
        self.served.health.heard("running")
        self.served.overview.look()

    def waits(self, records: float, oldest: float) -> None:
        self.served.store.set(catalogue.LAG, records, "raw", "0")
        self.served.store.set(catalogue.LAG_SECONDS, oldest, "raw", "0")
        self.served.health.set_broker(is_connected=True)
        self.served.health.set_lag(oldest)
        self.served.overview.look()

    def refuse(self, offset: int, *reasons: str, topic: str = "raw") -> None:
        fields = {"event_type": "validation_failure", "violations": list(reasons)}
        place = RecordAddress(topic, 0, offset)
        line = RecordLine("failed", logging.WARNING, "refused", fields, place)
        self.served.overview.recent.refuse(line)


@pytest.fixture
def job(stack: ExitStack) -> Job:
    made = Job(stack)
    for _ in range(20):
        made.batch()
    return made


def is_in(word: str) -> str:
    return f"document.getElementById('name').textContent === {json.dumps(word)}"


def test_it_draws_what_the_job_says_and_asks_nobody_else(tab: Tab, job: Job) -> None:
    job.refuse(42, "tenure: out_of_range")
    job.served.store.set(PSI, 0.31, "tenure", "records")
    job.served.store.set(PSI, 0.02, "tenure", "time")
    tab.open(job.url)
    tab.wait_for(is_in("running"))
    assert tab.text("query") == "churn"
    assert "5,060" in tab.text("outcomes")
    assert "60" in tab.text("error-types")
    assert "tenure" in tab.text("fields")
    assert re.search(
        r"raw\s+0\s+42\s+validation failure\s+tenure: out_of_range", tab.text("refused")
    )
    assert "20261122T155842Z" in tab.text("model")
    assert "0.31 at most, of tenure (latest records)" in tab.text("model")
    assert "2.5 s" in tab.text("latency")
    assert tab.ask("document.querySelectorAll('#records-plot .bar').length") == 20
    assert tab.ask("document.querySelector('#age-plot .bar').getBBox().height") > 50
    assert tab.ask("document.title") == "running – churn"
    assert set(tab.requests()) <= {job.url, f"{job.url}api/summary", f"{job.url}favicon.ico"}
    assert tab.complaints() == []


def test_it_goes_with_the_job_without_being_loaded_again(tab: Tab, job: Job) -> None:
    tab.open(job.url)
    tab.wait_for(is_in("running"))
    tab.ask("window.isSame = true")
    job.waits(900, 40.0)
    tab.wait_for(is_in("catching up"))
    assert "the oldest is 40 s old" in tab.text("why")
    assert tab.ask("document.getElementById('state').className") == "warning"
    job.served.health.set_broker(is_connected=False)
    tab.wait_for(is_in("no broker"))
    assert tab.text("announced").startswith("State: no broker.")
    job.waits(0, 0.0)
    tab.wait_for(is_in("running"))
    assert "no broker" in tab.text("changes")
    job.batch(good=1000)
    tab.wait_for("document.querySelectorAll('#records-plot .bar').length === 21")
    assert tab.ask("window.isSame") is True
    assert tab.complaints() == []


def test_it_says_that_the_job_is_gone_and_of_when_its_figures_are(
    tab: Tab, stack: ExitStack
) -> None:
    with ExitStack() as first:
        job = Job(first)
        job.batch()
        port = job.served.address[1]
        tab.open(job.url)
        tab.wait_for(is_in("running"))
    tab.wait_for(is_in("no answer"))
    tab.wait_for("!document.getElementById('silent').hidden")
    assert re.fullmatch(
        r"No answer for \d+(\.\d)? s; the figures are of \d\d:\d\d:\d\d\.", tab.text("silent")
    )
    assert tab.ask("document.getElementById('state').className") == "bad"
    assert tab.ask("document.title") == "no answer – churn"
    assert "250" in tab.text("outcomes"), "what was known is still to be seen"
    again = serve(stack, port=port)
    again.health.heard("running")
    tab.wait_for(is_in("running"))
    assert tab.ask("document.getElementById('silent').hidden") is True


def test_a_job_that_takes_the_question_and_does_not_answer_is_no_answer(tab: Tab, job: Job) -> None:
    tab.open(job.url)
    tab.wait_for(is_in("running"))
    # What a thread that hangs would hold.
    with job.served.store.together():
        tab.wait_for(is_in("no answer"), seconds=20)
    tab.wait_for(is_in("running"))


def test_what_others_wrote_stays_text(tab: Tab, stack: ExitStack) -> None:
    named = replace(CHURN, topic=HOSTILE, broker=HOSTILE, consumer_group=HOSTILE, version=HOSTILE)
    job = Job(stack, replace(named, query=HOSTILE))
    job.batch()
    job.served.store.declare(catalogue.MODEL_INFO, [(HOSTILE,)])
    job.served.store.set(PSI, 0.3, HOSTILE, HOSTILE)
    job.served.store.add(catalogue.VIOLATIONS, 3, HOSTILE)
    job.refuse(7, HOSTILE, topic=HOSTILE)
    job.served.overview.spark_page = "javascript:window.pwned=3"
    tab.open(job.url)
    tab.wait_for(is_in("running"))
    for place in ("query", "job", "model", "fields", "refused"):
        assert HOSTILE in tab.text(place)
    assert tab.ask("window.pwned") is None
    assert tab.ask("document.images.length") == 0
    assert tab.ask("document.scripts.length") == 1
    assert tab.ask("document.getElementById('spark').hidden") is True
    assert tab.complaints() == []


def test_its_policy_stops_what_would_slip_through(tab: Tab, job: Job) -> None:
    tab.open(job.url)
    tab.wait_for(is_in("running"))
    tab.ask(f"document.body.insertAdjacentHTML('beforeend', {json.dumps(HOSTILE)})")
    tab.ask("fetch('http://127.0.0.1:9/').catch(() => 0)")
    tab.wait_for("document.images.length")
    assert tab.ask("window.pwned") is None
    assert "Content Security Policy" in " ".join(tab.complaints())


def test_spark_s_page_is_linked(tab: Tab, job: Job) -> None:
    job.served.overview.spark_page = "http://127.0.0.1:4040"
    tab.open(job.url)
    tab.wait_for("document.querySelector('#spark a').href === 'http://127.0.0.1:4040/'")
    assert tab.ask("document.getElementById('spark').hidden") is False


def test_a_login_in_the_address_is_enough(tab: Tab, stack: ExitStack) -> None:
    served = serve(stack, login="ops:se:cret")
    served.health.heard("running")
    tab.open(served.exporter.url.replace("://", "://ops:se%3Acret@") + "/")
    tab.wait_for(is_in("running"))


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (1200, "light")])
def test_nothing_is_wider_than_the_window(tab: Tab, job: Job, width: int, scheme: str) -> None:
    job.refuse(42, *["a_field_with_a_long_name: out_of_range"] * 20, topic="raw" * 60)
    tab.open(job.url, width=width, height=800, scheme=scheme)
    tab.wait_for(is_in("running"))
    assert tab.ask("document.scrollingElement.scrollWidth") <= width
    ground = tab.ask("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


def test_whoever_listens_finds_the_parts_and_a_name_for_each(tab: Tab, job: Job) -> None:
    job.refuse(42, "tenure: out_of_range")
    tab.open(job.url)
    tab.wait_for(is_in("running"))
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    named = [(n.get("role", {}).get("value"), n.get("name", {}).get("value")) for n in nodes]
    roles = [role for role, _ in named]
    for role in ("banner", "navigation", "main", "status"):
        assert roles.count(role) == 1, role
    must_have_names = ("link", "region", "image", "img", "navigation", "heading", "columnheader")
    assert [n for n in named if n[0] in must_have_names and not n[1]] == []
    plots = [name for role, name in named if role in ("image", "img")]
    assert len(plots) == 4, named
    assert plots[0].startswith("Records in each of the last 20 batches")
    assert "at most 253" in plots[0]


def test_all_that_can_be_used_is_reached_by_the_keyboard(tab: Tab, job: Job) -> None:
    tab.open(job.url)
    tab.wait_for(is_in("running"))
    reached = []
    for _ in range(14):
        for kind in ("rawKeyDown", "keyUp"):
            tab.call(
                "Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9
            )
        reached.append(tab.ask("document.activeElement.innerText.split('\\n')[0]"))
    assert reached[0] == "To the figures"
    for name in ("metrics", "health", "The latest batches as a table", "Lag by partition"):
        assert name in reached


@pytest.mark.needs("chromium", "jq", "curl")
def test_the_recipes_for_scripts_print_what_they_say(job: Job) -> None:
    job.refuse(42, "tenure: out_of_range")
    docs = (HOME / "docs" / "monitoring.md").read_text("utf-8")
    host = job.url.removeprefix("http://").rstrip("/")
    told = [
        subprocess.run(
            ["bash", "-c", recipe.replace("localhost:8000", host)],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        ).stdout
        for recipe in re.findall(r"^\$ (.+api/summary.+)$", docs, re.M)
    ]
    assert told[0].startswith("running: Records are dealt with")
    assert told[1].split()[0] == "0"
    assert told[2] == "raw-0-42 tenure: out_of_range\n"
