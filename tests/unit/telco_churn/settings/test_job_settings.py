from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from sources import modules

from telco_churn.paths import project_home
from telco_churn.settings.job import Settings, job_options
from telco_churn.settings.resolve import described, read_settings, variable_of
from telco_churn.settings.trigger import Trigger

OPTIONS = {option.name: option for option in job_options()}
PATHS = ("contract", "model_path", "checkpoint", "log_dir", "run_log_dir")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHURN_STREAM_HOME", raising=False)


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., str]:
    """Writes a config file and gives its path."""

    def write(*lines: str) -> str:
        path = tmp_path / "job.toml"
        path.write_text("\n".join(lines), encoding="utf-8")
        return str(path)

    return write


def test_without_a_word_every_setting_has_its_default(config: Callable[..., str]) -> None:
    settings = read_settings(["--config", config()], {})
    texts = {name: option.default for name, option in OPTIONS.items()}
    absolute = {name: str(project_home() / texts[name]) for name in PATHS}
    assert described(settings) == texts | absolute
    assert settings.reading.trigger == Trigger("interval", "5 seconds")
    assert settings.exporter.metrics_port == 8000
    assert settings.push.pushgateway is None
    assert not settings.run.dry_run


def test_the_shipped_config_lists_every_setting_with_its_default() -> None:
    shipped = tomllib.loads((project_home() / "conf/churn_stream.toml").read_text("utf-8"))
    texts = {name: str(value) for name, value in shipped.items()}
    defaults = {name: option.default for name, option in OPTIONS.items()}
    assert texts == defaults, "conf/churn_stream.toml must list each option with its default"


def test_the_file_wins_over_the_default_the_environment_over_it_and_a_flag_over_all(
    config: Callable[..., str],
) -> None:
    arguments = ["--config", config('consumer_group = "file"')]
    environment = {"CHURN_STREAM_CONSUMER_GROUP": "environment"}
    flag = ["--consumer-group", "flag"]
    assert read_settings(arguments, {}).group.consumer_group == "file"
    assert read_settings(arguments, environment).group.consumer_group == "environment"
    assert read_settings([*arguments, *flag], environment).group.consumer_group == "flag"


def test_an_empty_environment_variable_says_nothing(config: Callable[..., str]) -> None:
    environment = {"CHURN_STREAM_CONSUMER_GROUP": ""}
    arguments = ["--config", config('consumer_group = "file"')]
    assert read_settings(arguments, environment).group.consumer_group == "file"


def test_the_broker_has_the_environment_variable_that_kafka_users_expect() -> None:
    environment = {"KAFKA_BOOTSTRAP_SERVERS": "a:1,b:2"}
    assert read_settings([], environment).kafka.broker == "a:1,b:2"


@pytest.mark.parametrize("name", sorted(OPTIONS.keys() - {"broker", "otlp_endpoint"}))
def test_names_of_flag_and_variable_follow_from_the_name_of_the_setting(name: str) -> None:
    assert OPTIONS[name].flag == "--" + name.replace("_", "-")
    assert variable_of(OPTIONS[name]) == f"CHURN_STREAM_{name.upper()}"


def test_the_config_file_can_be_named_by_variable_and_by_flag(
    config: Callable[..., str], tmp_path: Path
) -> None:
    named, other = config('log_level = "ERROR"'), tmp_path / "other.toml"
    other.write_text('log_level = "DEBUG"')
    environment = {"CHURN_STREAM_CONFIG": named}
    assert read_settings([], environment).log.log_level == "ERROR"
    assert read_settings(["--config", str(other)], environment).log.log_level == "DEBUG"


def test_paths_of_the_file_are_relative_to_the_project_and_those_of_the_caller_to_it(
    config: Callable[..., str],
) -> None:
    arguments = ["--config", config('model_path = "m"', 'checkpoint = "c"')]
    environment = {"CHURN_STREAM_CHECKPOINT": "here"}
    settings = read_settings([*arguments, "--log-dir", "l"], environment)
    assert settings.model.model_path == project_home() / "m"
    assert settings.checkpoint.checkpoint == "here"
    assert settings.log.log_dir == Path("l")


@pytest.mark.parametrize("value", ["/absolute", "s3a://bucket/churn"])
def test_an_absolute_path_or_a_uri_stays_as_it_is(config: Callable[..., str], value: str) -> None:
    arguments = ["--config", config(f'checkpoint = "{value}"')]
    assert read_settings(arguments, {}).checkpoint.checkpoint == value


def test_the_project_can_be_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/churn_stream.toml").write_text('log_level = "ERROR"')
    monkeypatch.setenv("CHURN_STREAM_HOME", str(tmp_path))
    settings = read_settings([], {})
    assert (settings.log.log_level, settings.model.model_path) == (
        "ERROR",
        tmp_path / "models/churn",
    )


def test_a_switch_and_odd_but_valid_values_are_read(config: Callable[..., str]) -> None:
    options = {
        "--metrics-port": "off",
        "--pushgateway": "https://gate:9091/x",
        "--starting-offsets": '{"telco.raw.customers":{"0":42}}',
        "--log-level": "warning",
        "--trigger": "realtime=30 seconds",
    }
    words = [word for pair in options.items() for word in pair]
    settings = read_settings(["--config", config(), "--dry-run", *words], {})
    assert settings.run.dry_run
    assert settings.exporter.metrics_port is None
    assert settings.push.pushgateway == "https://gate:9091/x"
    assert settings.reading.starting_offsets == '{"telco.raw.customers":{"0":42}}'
    assert settings.log.log_level == "WARNING"
    assert described(settings)["trigger"] == "realtime=30 seconds"
    assert described(settings)["metrics_port"] == "off"


@pytest.mark.parametrize("scheme", ["http://", "https://"])
def test_a_login_in_a_url_is_never_shown(config: Callable[..., str], scheme: str) -> None:
    url = f"{scheme}somebody:pa@ss%2Fword@gate:9091/x"
    settings = read_settings(["--config", config()], {"CHURN_STREAM_PUSHGATEWAY": url})
    assert settings.push.pushgateway == url
    assert described(settings)["pushgateway"] == f"{scheme}***@gate:9091/x"


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The checker as a process that tells of each import."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CHURN_STREAM_")}
    return subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "launcher", *arguments],
        env={**environment, "PYTHONPATH": str(project_home() / "lib"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )


def test_help_lists_every_setting_with_its_default_and_needs_no_spark() -> None:
    shown = command("--help")
    text = " ".join(shown.stdout.split())
    assert shown.returncode == 0
    assert "telco_churn.settings.resolve" in shown.stderr, "imports are told"
    assert "pyspark" not in shown.stderr
    for name, option in OPTIONS.items():
        assert option.flag in shown.stdout, name
        assert f"(default: {option.default})" in text, name
    for section in ("Kafka:", "Topics:", "Checkpoint:", "Metrics exporter:", "Log:"):
        assert section in shown.stdout


def test_the_checker_says_in_one_line_what_is_wrong() -> None:
    checked = command("--metrics-port", "eight")
    said = [line for line in checked.stderr.splitlines() if not line.startswith("import time:")]
    assert checked.returncode == 2
    assert len(said) == 1
    assert said[0].startswith("spark-submit.sh: --metrics-port: 'eight' is not a port")
    assert "pyspark" not in checked.stderr


def test_each_option_is_read_by_some_module() -> None:
    trees = modules("lib").values()
    read = {node.attr for t in trees for node in ast.walk(t) if isinstance(node, ast.Attribute)}
    assert OPTIONS.keys() - read == set(), "an option that changes nothing"


def test_each_option_is_in_one_section_and_has_a_name_of_its_own() -> None:
    names = [option.name for option in job_options()]
    assert len(set(names)) == len(names)
    settings = read_settings([], {})
    assert settings.values().keys() == set(names)
    assert isinstance(settings, Settings)
