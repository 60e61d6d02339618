"""A sandbox pushes to the Pushgateway that runs already, without being told."""

from __future__ import annotations

import pytest
from binaries import pushgateway

from sandbox.monitoring.programs import Ports
from sandbox.plan import parse_plan
from sandbox.ports import free_port
from sandbox.show import beside
from sandbox.show.beside import Beside

pytestmark = pytest.mark.needs("prometheus-pushgateway")


def test_it_is_found_at_its_usual_port(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path_factory.mktemp("gateway")
    port = free_port()
    monkeypatch.setattr(beside, "_USUAL", Ports(pushgateway=port))

    def chosen(*words: str) -> list[str]:
        plan = parse_plan(["--sandbox", *words], {})
        return Beside(plan, directory / "none", lambda: None).start()

    assert chosen() == []
    with pushgateway(directory, port) as url:
        assert chosen() == ["--pushgateway", url]
        # Whoever has chosen another one keeps it.
        assert chosen("--pushgateway", "http://127.0.0.1:1") == []
