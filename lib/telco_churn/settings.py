"""Every setting of the job, in one place.

`python -m telco_churn.settings ARGUMENTS` checks them without a JVM.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from telco_churn.errors import exit_with
from telco_churn.home import project_home
from telco_churn.options import OneLineParser, flag_of, option, resolve
from telco_churn.trigger import Trigger, parse_trigger

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
OFF = "off"


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty")
    return value.strip()


def _topic(value: str) -> str:
    # Kafka's own rule for names (org.apache.kafka.common.internals.Topic).
    if not re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", value) or value in (".", ".."):
        raise ValueError("is not a topic name; use letters, digits, '.', '_' and '-'")
    return value


def _broker(value: str) -> str:
    for server in value.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError("is not a list of bootstrap servers; write host:port[,host:port]")
    return value


def _port(value: str) -> int | None:
    if value == OFF:
        return None
    if not value.isdigit() or int(value) > 65535:
        raise ValueError("is not a port; use 0 (any free one) to 65535, or off")
    return int(value)


def _positive(value: str) -> int:
    if not value.isdigit() or int(value) < 1:
        raise ValueError("must be a whole number of at least 1")
    return int(value)


def _url(value: str) -> str | None:
    if value == OFF:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not an http(s) URL; write http://host:9091, or off")
    return value


def _log_level(value: str) -> str:
    if value.upper() not in LOG_LEVELS:
        raise ValueError(f"is not a log level; use one of {', '.join(LOG_LEVELS)}")
    return value.upper()


def _starting_offsets(value: str) -> str:
    if value in ("earliest", "latest"):
        return value
    try:
        is_object = isinstance(json.loads(value), dict)
    except ValueError:
        is_object = False
    if not is_object:
        raise ValueError('must be earliest, latest, or JSON such as {"topic":{"0":42}}')
    return value


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """The job's settings, checked. `--help` shows the same list."""

    broker: str = option(
        "localhost:9092",
        "Kafka bootstrap servers",
        parse=_broker,
        env="KAFKA_BOOTSTRAP_SERVERS",
        metavar="HOST:PORT,…",
    )
    input_topic: str = option(
        "telco.raw.customers", "topic of customer events", parse=_topic, metavar="TOPIC"
    )
    output_topic: str = option(
        "telco.churn.predictions", "topic of predictions", parse=_topic, metavar="TOPIC"
    )
    deadletter_topic: str = option(
        "telco.deadletter", "topic of dead letters", parse=_topic, metavar="TOPIC"
    )
    consumer_group: str = option(
        "telco-churn-consumer", "name under which the job reads", parse=_text, metavar="GROUP"
    )
    trigger: Trigger = option(
        "5 seconds",
        "an interval; once (all there is now, then exit); realtime or realtime=1 minute",
        parse=parse_trigger,
        metavar="WHEN",
    )
    model_path: Path = option(
        "models/churn", "a saved PipelineModel and its manifest", parse=Path, metavar="DIR"
    )
    checkpoint: str = option(
        "checkpoints/churn", "checkpoint directory or URI", parse=_text, metavar="DIR"
    )
    starting_offsets: str = option(
        "earliest",
        "where a new checkpoint begins: earliest, latest or JSON",
        parse=_starting_offsets,
        metavar="WHERE",
    )
    max_offsets_per_trigger: int = option(
        "50000",
        "most records in a micro-batch (real-time mode has no such limit)",
        parse=_positive,
        metavar="N",
    )
    metrics_host: str = option(
        "127.0.0.1", "address of the metrics exporter", parse=_text, metavar="HOST"
    )
    metrics_port: int | None = option(
        "8000", "its port; 0 picks a free one, off disables it", parse=_port, metavar="PORT"
    )
    pushgateway: str | None = option(
        OFF, "Pushgateway to push to after each batch", parse=_url, metavar="URL"
    )
    log_level: str = option(
        "INFO", f"one of {', '.join(LOG_LEVELS)}", parse=_log_level, metavar="LEVEL"
    )
    log_dir: Path = option("logs", "directory of the JSON log", parse=Path, metavar="DIR")
    dry_run: bool = False

    def described(self) -> dict[str, str]:
        """Each setting as text, passwords masked."""
        values = {f.name: getattr(self, f.name) for f in option_fields()}
        shown = {name: OFF if value is None else str(value) for name, value in values.items()}
        shown["pushgateway"] = re.sub(r"//[^/@]*@", "//***@", shown["pushgateway"])
        return shown


def option_fields() -> list[dataclasses.Field[Any]]:
    """The settings that have a value, in the order of `--help`."""
    return [f for f in dataclasses.fields(Settings) if "help" in f.metadata]


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The settings from defaults, file, environment and `arguments`; the later one wins.

    Raises:
        SettingsError: one of them is unknown or malformed.
    """
    flags = vars(_parser().parse_or_raise(arguments))
    config = Path(flags.pop("config") or environment.get("CHURN_STREAM_CONFIG") or _config())
    is_dry_run = flags.pop("dry_run")
    paths = ("model_path", "checkpoint", "log_dir")
    values = resolve(option_fields(), flags, environment, config, paths)
    return Settings(**values, dry_run=is_dry_run)


def _config() -> Path:
    return project_home() / "conf" / "churn_stream.toml"


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="churn_stream.py",
        description="Scores customer events from Kafka and writes predictions back.",
        epilog="Each option is also a key of the config file and an environment variable "
        "(CHURN_STREAM_…; --broker: KAFKA_BOOTSTRAP_SERVERS). Flags win over the environment, "
        "the environment over the file.",
        allow_abbrev=False,
    )
    for field in option_fields():
        default = f"{field.metadata['help']} (default: {field.metadata['text']})"
        parser.add_argument(flag_of(field), metavar=field.metadata["metavar"], help=default)
    parser.add_argument("--config", metavar="FILE", help="default: conf/churn_stream.toml")
    parser.add_argument(
        "--dry-run", action="store_true", help="check everything, print the settings and exit"
    )
    return parser


if __name__ == "__main__":
    exit_with("churn_stream", lambda argv: read_settings(argv, os.environ), sys.argv[1:])
