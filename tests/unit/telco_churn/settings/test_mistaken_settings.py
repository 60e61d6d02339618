from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from telco_churn.errors import SettingsError
from telco_churn.settings.job import job_options
from telco_churn.settings.resolve import read_settings, variable_of

OPTIONS = {option.name: option for option in job_options()}

# For each setting that can be malformed: such values, and what is said about them.
MALFORMED = {
    "broker": (["localhost", ":9092", "a:0", "a:65536", "a:b", "a:1,,b:2", " "], "bootstrap"),
    "input_topic": (["a b", "..", "a" * 250, "ä", "a\n"], "is not a topic name"),
    "output_topic": (["a/b"], "is not a topic name"),
    "deadletter_topic": (["."], "is not a topic name"),
    "consumer_group": ([" "], "is empty"),
    "trigger": (["5 parsecs"], "is not understood"),
    "checkpoint": (["  "], "is empty"),
    "starting_offsets": (["newest", "[1]", "{", "5"], "must be earliest, latest, or JSON"),
    "max_offsets_per_trigger": (["0", "-1", "1.5", "many"], "whole number of at least 1"),
    "start_timeout": (["0", "-1", "1.5", "long"], "is not a whole number of at least 1"),
    "max_restarts": (["-1", "1.5", "many"], "is not a whole number of at least 0"),
    "on_data_loss": (["maybe", "Continue"], "is none of fail, continue"),
    "metrics_host": ([" "], "is empty"),
    "metrics_port": (["-1", "65536", "http", "80.0"], "is not a port"),
    "metrics_tls_cert": (["/absent/file"], "is not a file"),
    "metrics_tls_key": (["/absent/file"], "is not a file"),
    "metrics_client_ca": (["/absent/file"], "is not a file"),
    "metrics_login_file": (["/absent/file"], "is not a file"),
    "pushgateway": (
        ["localhost:9091", "ftp://x", "http://", "http://[::1", "http://a:b", "http://a:70000"],
        "URL",
    ),
    "pushgateway_login_file": (["/absent/file"], "is not a file"),
    "pushgateway_ca": (["/absent/file"], "is not a file"),
    "commit_progress": (["yes", "ON"], "is none of on, off"),
    "log_level": (["LOUD", "20"], "is not a log level"),
    "log_lines_per_second": (["0", "-5", "lots"], "whole number of at least 1"),
    "log_message_id": (["md5"], "is none of plain, hashed, off"),
    "log_key_file": (["/absent/file"], "is not a file"),
}
MISTAKES = [(name, value, said) for name, (values, said) in MALFORMED.items() for value in values]


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., str]:
    """Writes a config file and gives its path."""

    def write(*lines: str) -> str:
        path = tmp_path / "job.toml"
        path.write_text("\n".join(lines), encoding="utf-8")
        return str(path)

    return write


def refusal(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as error:
        read_settings(arguments, environment or {})
    return str(error.value)


@pytest.mark.parametrize(("name", "value", "said"), MISTAKES)
def test_a_malformed_value_is_refused_with_the_place_it_comes_from(
    config: Callable[..., str], name: str, value: str, said: str
) -> None:
    option = OPTIONS[name]
    written = config(name + " = " + '"' + value.replace("\n", "\\n") + '"')
    by_flag = refusal([f"{option.flag}={value}"])
    assert by_flag.startswith(f"{option.flag}: ")
    assert said in by_flag
    if value.strip():
        assert repr(value) in by_flag
    by_variable = refusal([], {variable_of(option): value})
    assert by_variable == by_flag.replace(option.flag, f"${variable_of(option)}", 1)
    if name != "checkpoint":  # there it is relative to the project, so never blank
        in_file = refusal(["--config", written])
        assert in_file == by_flag.replace(option.flag, f"{written}: {name}", 1)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (['tigger = "once"'], "unknown key 'tigger'; did you mean trigger?"),
        (["zzzzzzzzzz = 1"], "unknown key 'zzzzzzzzzz'; known are broker, kafka_config"),
        (["[kafka]", 'broker = "a:1"'], "unknown key 'kafka'"),
        (['dry_run = "on"'], "unknown key 'dry_run'"),
        (["metrics_port = true"], "metrics_port must be text or a whole number"),
        (["metrics_port = 8000.5"], "metrics_port must be text or a whole number"),
        (['broker = ["a:1"]'], "broker must be text or a whole number"),
        (["broker = "], "cannot be read"),
    ],
)
def test_a_mistake_in_the_file_names_file_and_key(
    config: Callable[..., str], lines: list[str], said: str
) -> None:
    path = config(*lines)
    message = refusal(["--config", path])
    assert message.startswith(f"config {path}")
    assert said in message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    for path in (tmp_path / "missing.toml", tmp_path, binary):
        assert refusal(["--config", str(path)]).startswith(f"config {path} cannot be read: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tigger=once"], "unknown argument --tigger; did you mean --trigger?"),
        (["--wholly-different"], "unknown argument --wholly-different; --help"),
        (["--input"], "unknown argument --input"),
        (["once"], "unknown argument once"),
        (["--trigger"], "argument --trigger: expected one argument"),
        (["--dry-run=yes"], "argument --dry-run: ignored explicit argument 'yes'"),
    ],
)
def test_a_mistake_in_the_arguments_is_one_line(arguments: list[str], said: str) -> None:
    message = refusal(arguments)
    assert said in message
    assert message.endswith("; --help lists the options")
    assert "\n" not in message


@pytest.mark.parametrize("prefix", ["ftp://", "", "//", "http:"])
def test_a_login_in_a_malformed_url_is_not_shown_either(prefix: str) -> None:
    url = f"{prefix}somebody:pa@ss/word@gate:9091"
    message = refusal([], {"CHURN_STREAM_PUSHGATEWAY": url})
    assert "@gate:9091' is not an http(s) URL" in message
    assert "ss/word" not in message
    assert "pa@" not in message
