"""Every setting of the job, in one place.

`python -m telco_churn.settings.job ARGUMENTS` checks them without a JVM, and prints the directory
of the logs, where the JVM's belongs too.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from telco_churn.errors import exit_with
from telco_churn.outcome.message_ids import MESSAGE_IDS
from telco_churn.paths import project_home
from telco_churn.settings.options import OFF, OneLineParser, flag_of, masked, option, resolve
from telco_churn.settings.trigger import Trigger, parse_trigger
from telco_churn.settings.values import (
    LOG_LEVELS,
    parse_broker,
    parse_count,
    parse_directory,
    parse_file,
    parse_log_level,
    parse_message_id,
    parse_on_data_loss,
    parse_port,
    parse_positive,
    parse_starting_offsets,
    parse_switch,
    parse_text,
    parse_topic,
    parse_url,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """The job's settings, checked. `--help` shows the same list."""

    broker: str = option(
        "localhost:9092",
        "Kafka bootstrap servers",
        parse=parse_broker,
        env="KAFKA_BOOTSTRAP_SERVERS",
        metavar="HOST:PORT,…",
    )
    input_topic: str = option(
        "telco.raw.customers", "topic of customer events", parse=parse_topic, metavar="TOPIC"
    )
    output_topic: str = option(
        "telco.churn.predictions", "topic of predictions", parse=parse_topic, metavar="TOPIC"
    )
    deadletter_topic: str = option(
        "telco.deadletter", "topic of dead letters", parse=parse_topic, metavar="TOPIC"
    )
    consumer_group: str = option(
        "telco-churn-consumer", "name under which the job reads", parse=parse_text, metavar="GROUP"
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
        "checkpoints/churn", "checkpoint directory or URI", parse=parse_text, metavar="DIR"
    )
    starting_offsets: str = option(
        "earliest",
        "where a new checkpoint begins: earliest, latest or JSON",
        parse=parse_starting_offsets,
        metavar="WHERE",
    )
    max_offsets_per_trigger: int = option(
        "50000",
        "most records in a micro-batch (real-time mode has no such limit)",
        parse=parse_positive,
        metavar="N",
    )
    on_data_loss: str = option(
        "fail",
        "when Kafka has deleted what comes next: fail, or continue and count what is lost",
        parse=parse_on_data_loss,
        metavar="WHAT",
    )
    max_restarts: int = option(
        "5",
        "restarts without progress before the job gives up; 0: a failure ends it",
        parse=parse_count,
        metavar="N",
    )
    metrics_host: str = option(
        "127.0.0.1", "address of the metrics exporter", parse=parse_text, metavar="HOST"
    )
    metrics_port: int | None = option(
        "8000", "its port; 0 picks a free one, off disables it", parse=parse_port, metavar="PORT"
    )
    metrics_tls_cert: Path | None = option(
        OFF,
        "PEM certificate; with it and its key the exporter speaks TLS",
        parse=parse_file,
        metavar="FILE",
    )
    metrics_tls_key: Path | None = option(
        OFF,
        "PEM key of the certificate",
        parse=parse_file,
        metavar="FILE",
    )
    metrics_client_ca: Path | None = option(
        OFF,
        "PEM authority that must have signed a client's certificate",
        parse=parse_file,
        metavar="FILE",
    )
    metrics_login_file: Path | None = option(
        OFF,
        "file with the user:password that /metrics asks for",
        parse=parse_file,
        metavar="FILE",
    )
    pushgateway: str | None = option(
        OFF, "Pushgateway to push to after each batch", parse=parse_url, metavar="URL"
    )
    pushgateway_login_file: Path | None = option(
        OFF,
        "file with the user:password for it",
        parse=parse_file,
        metavar="FILE",
    )
    pushgateway_ca: Path | None = option(
        OFF,
        "PEM authority that has signed its certificate",
        parse=parse_file,
        metavar="FILE",
    )
    commit_progress: bool = option(
        "on",
        "tell Kafka the consumer group's progress: on or off",
        parse=parse_switch,
        metavar="ON|OFF",
    )
    log_level: str = option(
        "INFO", f"one of {', '.join(LOG_LEVELS)}", parse=parse_log_level, metavar="LEVEL"
    )
    log_dir: Path = option("logs", "directory of the JSON log", parse=Path, metavar="DIR")
    run_log_dir: Path | None = option(
        "artifacts/logs",
        "directory of the log for people, a file for each run; off for none",
        parse=parse_directory,
        metavar="DIR",
    )
    log_lines_per_second: int = option(
        "1000", "most log lines about single records", parse=parse_positive, metavar="N"
    )
    log_message_id: str = option(
        "plain",
        f"the record's key in its log line: {', '.join(MESSAGE_IDS)}",
        parse=parse_message_id,
        metavar="HOW",
    )
    log_key_file: Path | None = option(
        OFF, "secret for hashed keys", parse=parse_file, metavar="FILE"
    )
    dry_run: bool = False

    def described(self) -> dict[str, str]:
        """Each setting as text, passwords masked."""
        values = {f.name: getattr(self, f.name) for f in option_fields()}
        shown = {name: _shown(value) for name, value in values.items()}
        shown["pushgateway"] = masked(shown["pushgateway"])
        return shown


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else OFF
    return OFF if value is None else str(value)


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
    values = resolve(option_fields(), flags, environment, config)
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


def _check(arguments: Sequence[str]) -> None:
    sys.stdout.write(f"{read_settings(arguments, os.environ).log_dir.absolute()}\n")


if __name__ == "__main__":
    exit_with("churn_stream", _check, sys.argv[1:])
