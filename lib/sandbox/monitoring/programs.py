"""Prometheus, Pushgateway, Alertmanager and, where it is installed, Grafana: on this machine only.

They run on the files in conf/, with the ports put in; nothing is left of them when it ends.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from urllib.error import URLError
from urllib.request import urlopen

from launcher.child import Child
from sandbox.errors import SandboxError
from sandbox.monitoring.pace import quickened
from sandbox.ports import LOOPBACK, port_is_free

_START_LIMIT_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 5.0
_DEFAULT_PORTS: Final = {
    "job": 8000,
    "spark": 4040,
    "prometheus": 9090,
    "pushgateway": 9091,
    "alertmanager": 9093,
    "grafana": 3000,
}
"""The ports that the files in conf/ name."""


@dataclass(frozen=True)
class Ports:
    """Where the programs listen, and where the job and its Spark page do, on the loopback address.

    The defaults are those that the files in conf/ name.
    """

    job: int = _DEFAULT_PORTS["job"]
    spark: int = _DEFAULT_PORTS["spark"]
    prometheus: int = _DEFAULT_PORTS["prometheus"]
    pushgateway: int = _DEFAULT_PORTS["pushgateway"]
    alertmanager: int = _DEFAULT_PORTS["alertmanager"]
    grafana: int = _DEFAULT_PORTS["grafana"]

    def put_into(self, text: str) -> str:
        """A configuration with these ports instead of the default ones."""
        for name, default in _DEFAULT_PORTS.items():
            # The word in between keeps a port that was put in from being replaced again.
            text = text.replace(f"localhost:{default}", f"<{name}>")
        for name in _DEFAULT_PORTS:
            text = text.replace(f"<{name}>", f"{LOOPBACK}:{getattr(self, name)}")
        return text


@dataclass
class Monitoring:
    """The programs, while its `with` block lasts.

    Attributes:
        home: the project; its `conf` and `dashboards` are read.
        directory: where their data, logs and configuration go.
        ports: where they listen.
        check: called while they start; raises to stop that.
        is_quick: whether rules look back seconds instead of minutes.
        addresses: name and address of each one that runs.
    """

    home: Path
    directory: Path
    ports: Ports
    check: Callable[[], None] = lambda: None
    is_quick: bool = False
    addresses: dict[str, str] = field(default_factory=dict)
    _children: list[Child] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Starts them, and returns when all of them answer.

        Raises:
            SandboxError: a program is missing, a port is taken, or one of them does not start.
        """
        try:
            self._configure()
            self._start_pushgateway()
            self._start_alertmanager()
            self._start_prometheus()
            self._start_grafana()
        # Interrupts too: `__exit__` is not called when `__enter__` raises.
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()

    def require_running(self) -> None:
        """Complains when one of them has ended.

        Raises:
            SandboxError: with the end of its output.
        """
        for child in self._children:
            if not child.is_running:
                raise SandboxError(f"{child.name} ended: {child.last_lines(2)}")

    def _configure(self) -> None:
        for part in ("prometheus", "alertmanager"):
            target = self.directory / part
            target.mkdir(parents=True, exist_ok=True)
            for source in (self.home / "conf" / part).glob("*.yml"):
                text = self.ports.put_into(source.read_text("utf-8"))
                text = quickened(text) if self.is_quick and part == "prometheus" else text
                (target / source.name).write_text(text, "utf-8")

    def _start_pushgateway(self) -> None:
        self._start(
            "pushgateway",
            program("prometheus-pushgateway", "pushgateway"),
            # Debian's build keeps the groups in a file that all its Pushgateways would share.
            "--persistence.file=",
        )

    def _start_alertmanager(self) -> None:
        own = self.directory / "alertmanager"
        self._start(
            "alertmanager",
            program("prometheus-alertmanager", "alertmanager"),
            f"--config.file={own / 'alertmanager.yml'}",
            f"--storage.path={own / 'data'}",
            # A single Alertmanager needs no port for peers.
            "--cluster.listen-address=",
        )

    def _start_prometheus(self) -> None:
        own = self.directory / "prometheus"
        self._start(
            "prometheus",
            program("prometheus"),
            f"--config.file={own / 'prometheus.yml'}",
            f"--storage.tsdb.path={own / 'data'}",
            "--enable-feature=exemplar-storage",
        )

    def _start(self, name: str, path: str, *options: str) -> None:
        address = self._take(name)
        command = [path, f"--web.listen-address={address}", *options]
        self._run(name, command, f"http://{address}/-/ready")

    def _start_grafana(self) -> None:
        path = shutil.which("grafana-server") or shutil.which("grafana")
        if path is None:
            return
        address = self._take("grafana")
        verb = [] if path.endswith("-server") else ["server"]
        command = [path, *verb, f"--homepath={grafana_home(Path(path))}"]
        environment = os.environ | grafana_environment(self.home, self.directory, self.ports)
        self._run("grafana", command, f"http://{address}/api/health", environment)

    def _take(self, name: str) -> str:
        port = getattr(self.ports, name)
        if not port_is_free(port):
            raise SandboxError(
                f"port {port} for {name} is taken; end what listens there, or choose another "
                f"one with --{name}-port"
            )
        return f"{LOOPBACK}:{port}"

    def _run(
        self,
        name: str,
        command: list[str],
        probe: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        child = Child(name, command, self.directory / f"{name}.log", environment)
        self._children.append(child)
        deadline = time.monotonic() + _START_LIMIT_SECONDS
        while not answers(probe):
            self.check()
            if not child.is_running or time.monotonic() > deadline:
                raise SandboxError(f"{name} does not start: {child.last_lines(2)}")
            time.sleep(0.1)
        self.addresses[name] = probe.removesuffix("/-/ready").removesuffix("/api/health")

    def _stop(self) -> None:
        for child in reversed(self._children):
            child.stop(_STOP_SECONDS)
        self._children.clear()


def program(*names: str) -> str:
    """The path of the first of these programs that is installed.

    Raises:
        SandboxError: if none is.
    """
    for name in names:
        if path := shutil.which(name):
            return path
    raise SandboxError(
        f"{names[0]} is not installed; on Debian: "
        "apt-get install prometheus prometheus-pushgateway prometheus-alertmanager"
    )


def grafana_home(path: Path) -> Path:
    """Where Grafana's own files are: above its program in an unpacked archive, else Debian's."""
    beside = path.resolve().parents[1]
    return beside if (beside / "conf" / "defaults.ini").exists() else Path("/usr/share/grafana")


def grafana_environment(home: Path, directory: Path, ports: Ports) -> dict[str, str]:
    """Settings with which Grafana has the data source and the dashboards, and asks for no login."""
    own = directory / "grafana"
    return {
        "GF_SERVER_HTTP_ADDR": LOOPBACK,
        "GF_SERVER_HTTP_PORT": str(ports.grafana),
        "GF_PATHS_DATA": str(own),
        "GF_PATHS_LOGS": str(own / "logs"),
        "GF_PATHS_PROVISIONING": str(home / "conf" / "grafana" / "provisioning"),
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(
            home / "dashboards" / "grafana_dashboard.json"
        ),
        "PROMETHEUS_URL": f"http://{LOOPBACK}:{ports.prometheus}",
        "DASHBOARDS": str(home / "dashboards"),
    }


def text_at(url: str) -> str:
    """What a page holds; nothing where none answers."""
    with suppress(URLError, OSError), urlopen(url, timeout=1) as answer:
        return str(answer.read().decode(errors="replace"))
    return ""


def answers(url: str, seconds: float = 1.0) -> bool:
    """Whether a request gets a good answer within so many seconds."""
    with suppress(URLError, OSError), urlopen(url, timeout=seconds) as answer:
        return bool(answer.status == 200)
    return False
