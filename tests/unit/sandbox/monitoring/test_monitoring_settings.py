"""The options of `./monitoring.sh`, before anything starts."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from sandbox.monitoring.command import COMMAND, MonitoringSettings
from sandbox.monitoring.programs import Ports
from telco_churn.errors import SettingsError
from telco_churn.settings.resolve import read


def settings(*arguments: str) -> MonitoringSettings:
    return read(MonitoringSettings, COMMAND, arguments, {})


def test_without_a_word_each_program_has_the_port_that_the_files_name() -> None:
    assert settings().ports.ports() == Ports()
    assert settings().directory.directory is None


@pytest.mark.parametrize("name", [one.name for one in fields(Ports)])
def test_each_port_can_be_chosen(name: str) -> None:
    made = settings(f"--{name}-port", "12345").ports.ports()
    assert getattr(made, name) == 12345
    others = [one.name for one in fields(Ports) if one.name != name]
    assert all(getattr(made, other) == getattr(Ports(), other) for other in others)


@pytest.mark.parametrize(("text", "said"), [("0", "from 1 to 65535"), ("x", "is not a port")])
def test_a_port_that_nobody_could_find_is_refused(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"--grafana-port: '{text}' .*{said}"):
        settings("--grafana-port", text)


def test_a_directory_stays_as_it_was_given() -> None:
    assert settings("--directory", "some/where").directory.directory == Path("some/where")


def test_a_port_that_was_put_in_is_not_replaced_again() -> None:
    ports = Ports(job=9090, prometheus=9091, pushgateway=8000)
    text = "localhost:8000 localhost:9090 localhost:9091"
    assert ports.put_into(text) == "127.0.0.1:9090 127.0.0.1:9091 127.0.0.1:8000"


def test_other_numbers_in_a_file_stay() -> None:
    assert Ports(job=1).put_into("after 8000 ms, host:8000") == "after 8000 ms, host:8000"
