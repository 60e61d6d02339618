"""Our rules with windows of seconds, and what a real Prometheus makes of them.

With the real ones a test would take hours.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

from dashboards.written import BOARDS, as_json
from job import HOME

from sandbox.monitoring.pace import quickened

CHOICES = {
    **{"$environment": ".*", "$job": ".*", "$instance": ".*", "$topic": ".*"},
    **{"$__rate_interval": "10s", "$__range": "1m"},
}
SECONDS = 240.0


def shortened_home(directory: Path) -> Path:
    """A project whose rules look back seconds instead of minutes and hours."""
    shutil.copytree(HOME / "conf", directory / "conf")
    return shortened(directory)


def shortened(home: Path) -> Path:
    """The same project, its rules changed."""
    for file in (home / "conf" / "prometheus").glob("*.yml"):
        file.write_text(quickened(file.read_text("utf-8")), "utf-8")
    return home


def api(url: str) -> Any:
    with urlopen(url, timeout=10) as answer:
        return json.load(answer)


def ask(prometheus: str, expression: str) -> list[Any]:
    answer = api(f"{prometheus}/api/v1/query?query={quote(expression)}")
    assert answer["status"] == "success", (expression, answer)
    assert answer.get("warnings", []) == [], expression
    return list(answer["data"]["result"])


def soon(
    condition: Callable[[], Any], what: object, process: subprocess.Popen[str] | None = None
) -> None:
    """Waits for a condition; the process must live meanwhile."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {SECONDS:g} s"
        if process is not None:
            assert process.poll() is None, process.communicate()[0]
        time.sleep(0.5)


def panel_queries(*boards: str) -> Iterator[tuple[str, str]]:
    """Each query of these boards, or of all, as Grafana would ask it, by its panel."""
    for name in boards or BOARDS:
        for panel in json.loads(as_json(name))["panels"]:
            for target in panel.get("targets", ()):
                expression = target["expr"]
                for variable, value in CHOICES.items():
                    expression = expression.replace(variable, value)
                yield f"{name}: {panel['title']} {target['refId']}", expression
