"""What `./monitoring.sh` gives to the programs that it starts."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from monitoring.rule_files import HOME, PROMETHEUS, read

from sandbox.monitoring.command import pages
from sandbox.monitoring.programs import Monitoring, Ports, answers, grafana_environment
from sandbox.ports import LOOPBACK, free_port

PROVISIONING = HOME / "conf" / "grafana" / "provisioning"
# Answers as Grafana does, and notes how it was called.
FAKE_GRAFANA = """#!{python}
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

print(*sys.argv[1:], os.environ["DASHBOARDS"], flush=True)
HTTPServer(("127.0.0.1", int(os.environ["GF_SERVER_HTTP_PORT"])), Answer).serve_forever()
"""


def some_ports() -> Ports:
    return Ports(*(free_port() for _ in range(6)))


def command(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(HOME / "monitoring.sh"), *options],
        env=os.environ | {"PYTHON": sys.executable} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_ports_that_were_chosen_replace_those_of_the_files() -> None:
    ports = Ports(job=8001, spark=8000, pushgateway=9090)
    text = "localhost:8000 localhost:4040 localhost:9090 localhost:9091 localhost:9093"
    expected = (8001, 8000, 9090, 9090, 9093)
    assert ports.put_into(text) == " ".join(f"127.0.0.1:{port}" for port in expected)
    config = ports.put_into((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    assert "localhost" not in config


@pytest.mark.needs("prometheus", "prometheus-pushgateway", "prometheus-alertmanager")
def test_the_programs_answer_and_are_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "grafana"
    fake.write_text(FAKE_GRAFANA.format(python=sys.executable))
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with Monitoring(HOME, tmp_path / "own", some_ports()) as monitoring:
        addresses = dict(monitoring.addresses)
        assert list(addresses) == ["pushgateway", "alertmanager", "prometheus", "grafana"]
        monitoring.require_running()
        for name in ("prometheus", "alertmanager"):
            is_debian = "debian" in version(name)
            assert bool(pages(name, addresses[name])) == is_debian, "Debian's lack their pages"
        (told, *_) = (tmp_path / "own" / "grafana.log").read_text().splitlines()
        assert told == f"server --homepath=/usr/share/grafana {HOME / 'dashboards'}"
    assert not any(answers(address) for address in addresses.values())


def version(name: str) -> str:
    """What a program says of its build."""
    path = shutil.which(name) or shutil.which(f"prometheus-{name}") or name
    return subprocess.run([path, "--version"], capture_output=True, text=True).stdout


def test_a_taken_port_is_one_line() -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        run = command("--pushgateway-port", str(port))
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert f"port {port} for pushgateway is taken" in line
    assert "--pushgateway-port" in line


def test_a_missing_program_is_one_line(tmp_path: Path) -> None:
    for name in ("bash", "dirname", "readlink"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    run = command("--pushgateway-port", str(free_port()), PATH=str(tmp_path))
    assert (run.returncode, run.stdout) == (2, "")
    (line,) = run.stderr.splitlines()
    assert "prometheus-pushgateway is not installed" in line


def test_a_mistyped_option_is_one_line() -> None:
    run = command("--prometheus-port", "99999")
    assert (run.returncode, run.stdout) == (2, "")
    (line,) = run.stderr.splitlines()
    assert "'99999' is not a port" in line


def test_grafana_finds_the_data_source_and_the_dashboards() -> None:
    environment = grafana_environment(HOME, Path("own"), Ports())
    (source,) = read(PROVISIONING / "datasources" / "prometheus.yml")["datasources"]
    (provider,) = read(PROVISIONING / "dashboards" / "churn_stream.yml")["providers"]
    assert environment["GF_PATHS_PROVISIONING"] == str(PROVISIONING)
    assert environment[source["url"].removeprefix("$")] == "http://127.0.0.1:9090"
    dashboards = Path(environment[provider["options"]["path"].removeprefix("$")])
    assert list(dashboards.glob("*.json"))
    assert Path(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).exists()


def test_each_variable_of_the_provisioning_is_set_for_grafana() -> None:
    used = {
        word
        for path in PROVISIONING.rglob("*.yml")
        for word in re.findall(r"\$([A-Z_]+)", path.read_text("utf-8"))
    }
    assert used
    assert used <= grafana_environment(HOME, Path("own"), Ports()).keys()
