"""Prometheus, Pushgateway, Alertmanager and Grafana beside a sandbox, wherever ports are free."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from sandbox.monitoring.programs import Monitoring, Ports, answers, text_at
from sandbox.plan import Plan
from sandbox.ports import LOOPBACK, free_port, port_is_free
from sandbox.show.play import Play
from sandbox.show.scenarios import SCENARIOS, Stage
from telco_churn.paths import project_home

_USUAL = Ports()
_PROGRAMS = ("prometheus", "pushgateway", "alertmanager", "grafana")


class Beside:
    """What runs beside the job of one sandbox, until `close`."""

    def __init__(self, plan: Plan, directory: Path, check: Callable[[], None]) -> None:
        """Starts nothing yet.

        Args:
            plan: says what is wanted.
            directory: of the programs' data and logs; made when needed.
            check: called while they start; raises to stop that.
        """
        self._plan = plan
        self._directory = directory
        self._check = check
        self._scenario = SCENARIOS[plan.show.scenario] if plan.show.scenario else None
        self._held = ExitStack()
        self._monitoring: Monitoring | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether there are programs to be started."""
        return self._plan.show.monitoring or self._scenario is not None

    @property
    def addresses(self) -> Mapping[str, str]:
        """Name and address of each program that runs."""
        return self._monitoring.addresses if self._monitoring else {}

    def start(self) -> list[str]:
        """Starts what is wanted, and gives the job's options for it.

        Raises:
            SandboxError: a program is not installed, or does not start.
        """
        if not self.is_wanted:
            return self._pushes(running_pushgateway())
        port = self._plan.metrics_port or free_port()
        ports = Ports(
            job=port, **{name: _usual_or_free(getattr(_USUAL, name)) for name in _PROGRAMS}
        )
        self._directory.mkdir()
        monitoring = Monitoring(
            project_home(),
            self._directory,
            ports,
            self._check,
            is_quick=self._scenario is not None,
        )
        self._monitoring = self._held.enter_context(monitoring)
        pushes = self._pushes(monitoring.addresses["pushgateway"])
        shown_soon = self._scenario.job if self._scenario else ()
        return ["--metrics-port", str(port), *pushes, *shown_soon]

    def play_on(self, stage: Stage) -> Play | None:
        """The scenario that is wanted, on this stage."""
        scenario = self._scenario
        if scenario is None:
            return None
        prometheus = self.addresses["prometheus"]
        return Play(scenario, stage, lambda: is_firing(prometheus, scenario.alert))

    def require_running(self) -> None:
        """Raises SandboxError if one of them has ended."""
        if self._monitoring:
            self._monitoring.require_running()

    def close(self) -> None:
        """Ends them."""
        self._held.close()

    def _pushes(self, gateway: str | None) -> list[str]:
        return ["--pushgateway", gateway] if gateway and not self._plan.has_pushgateway else []


def running_pushgateway() -> str | None:
    """The address of a Pushgateway that runs on this machine already, at its usual port."""
    address = f"http://{LOOPBACK}:{_USUAL.pushgateway}"
    return address if answers(f"{address}/-/ready") else None


def is_firing(prometheus: str, alert: str) -> bool:
    """Whether Prometheus says that the alert fires; also false while it does not answer."""
    try:
        found = json.loads(text_at(f"{prometheus}/api/v1/alerts"))["data"]["alerts"]
    except (ValueError, KeyError):
        return False
    return any(
        one["labels"].get("alertname") == alert and one["state"] == "firing" for one in found
    )


def _usual_or_free(port: int) -> int:
    return port if port_is_free(port) else free_port()
