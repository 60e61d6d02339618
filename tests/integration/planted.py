"""A secret in each place that can hold one: options, settings of Spark, the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from certificates import Authority
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from gateway_server import KeepingServer
from secured_broker import CANARY, PASSWORD

from stream_telemetry.options import Option
from telco_churn.settings.job import job_options
from telco_churn.settings.resolve import variable_of

VARIABLE = "CHURN_TEST_PASSWORD"
"""Environment variable with the password for Kafka."""
# What Spark takes from elsewhere; AWS' variables go into Hadoop's settings.
SPARK_SECRETS = {
    "spark.hadoop.fs.s3a.secret.key": f"{CANARY}-s3",
    "spark.hadoop.fs.azure.account.key.mine.dfs.core.windows.net": f"{CANARY}-azure",
    "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:x://me:{CANARY}-jdbc@db/hive",
    "spark.executorEnv.DATABASE": f"{CANARY}-variable",
    "spark.ssl.ui.keyPassword": f"{CANARY}-ui",
}
VARIABLES = {
    VARIABLE: PASSWORD,
    "AWS_ACCESS_KEY_ID": "me",
    "AWS_SECRET_ACCESS_KEY": f"{CANARY}-aws",
}


@dataclass(frozen=True)
class Inputs:
    """A secret for each option that can have one, found from the options' own declarations.

    A new option that names a file gets one with a login in it, unless it is told here what else it
    is to hold; one that is a URL gets a login in that.
    """

    directory: Path
    gateway: KeepingServer
    authority: Authority
    kafka_config: Path

    @property
    def files(self) -> Mapping[str, Path]:
        own = self.authority.sign("exporter")
        return {
            "kafka_config": self.kafka_config,
            **dict.fromkeys(("metrics_tls_cert", "metrics_tls_key"), own),
            **dict.fromkeys(("metrics_client_ca", "pushgateway_ca"), self.authority.pem),
        }

    def write(self) -> tuple[Path, dict[str, str]]:
        """The job's file, and environment variables, that have all of it."""
        files, lines, variables = self.files, ["log_message_id = 'hashed'"], dict(VARIABLES)
        for option in job_options():
            if option.metavar == "FILE":
                lines.append(f"{option.name} = '{files.get(option.name) or self._login(option)}'")
            elif option.metavar == "URL":
                login = f"somebody:{CANARY}-{option.name}"
                variables[variable_of(option)] = f"http://{login}@{self.gateway.place}"
        config = self.directory / "job.toml"
        config.write_text("\n".join(lines), "utf-8")
        return config, variables

    def write_for_spark(self, **more: str) -> Path:
        settings = SPARK_SECRETS | {name.replace("_", "."): value for name, value in more.items()}
        path = self.directory / "spark.properties"
        path.write_text("\n".join(f"{name} {value}" for name, value in settings.items()))
        return path

    def _login(self, option: Option) -> Path:
        path = self.directory / option.name
        path.touch(mode=0o600)
        path.write_text(f"somebody:{CANARY}-{option.name}\n", "utf-8")
        return path


def needles(*directories: Path) -> set[str]:
    """What nobody may see: the word that all secrets begin with, and each line of private keys."""
    keys = [
        block
        for directory in directories
        for path in directory.glob("*.pem")
        for block in re.findall(r"-BEGIN [A-Z ]*PRIVATE KEY-+\n(.*?)\n-", path.read_text(), re.S)
    ]
    # The first one begins like that of every other key.
    return {CANARY, *(line for key in keys for line in key.splitlines()[1:] if len(line) == 64)}


def encrypted(own: Path) -> Path:
    """The same certificate, its key under a password."""
    key = load_pem_private_key(own.read_bytes(), None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD.encode())
    )
    path = own.with_stem(f"{own.stem}-encrypted")
    path.touch(mode=0o600)
    path.write_bytes(own.read_bytes().partition(b"-----BEGIN PRIVATE")[0] + key)
    return path
