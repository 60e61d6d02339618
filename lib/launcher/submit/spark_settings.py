"""What spark-submit will make of its options, its files and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.submit.division import Division
from stream_telemetry.security.java_properties import properties_in
from telco_churn.errors import SettingsError


@dataclass(frozen=True)
class SparkSettings:
    """Settings of Spark, before it has started.

    Attributes:
        options: spark-submit's options; the last one of a name counts.
        typed: Properties given by `--conf`.
        filed: Those of its files.
        environment: Environment variables.
    """

    options: Mapping[str, str | None]
    typed: Mapping[str, str]
    filed: Mapping[str, str]
    environment: Mapping[str, str]

    def value(self, option: str, key: str, variable: str = "") -> str | None:
        """What counts: the option, else the property, else the environment variable."""
        return (
            self.options.get(option)
            or self.typed.get(key)
            or self.filed.get(key)
            or self.environment.get(variable)
        )

    @property
    def master(self) -> str:
        """Where Spark runs."""
        return self.value("--master", "spark.master", "MASTER") or "local[*]"

    @property
    def driver_is_local(self) -> bool:
        """Whether driver and executors are one process on this machine."""
        return self.master.startswith("local") and not self.is_in_cluster

    @property
    def is_in_cluster(self) -> bool:
        """Whether the driver is to run on a machine of the cluster."""
        mode = self.value("--deploy-mode", "spark.submit.deployMode", "DEPLOY_MODE")
        return mode == "cluster"


def read_spark_settings(division: Division, environment: Mapping[str, str]) -> SparkSettings:
    """The settings that spark-submit would find, given `SPARK_CONF_DIR` in the environment.

    Raises:
        SettingsError: a file of properties cannot be read.
    """
    options = dict(division.spark)
    typed = [value or "" for name, value in division.spark if name in ("--conf", "-c")]
    files = []
    if (given := options.get("--properties-file")) is None or "--load-spark-defaults" in options:
        defaults = Path(environment["SPARK_CONF_DIR"], "spark-defaults.conf")
        files += [defaults] if defaults.is_file() else []
    files += [Path(path) for path in (given, options.get("--extra-properties-file")) if path]
    filed: dict[str, str] = {}
    for file in files:
        try:
            found = properties_in(file.read_text("utf-8"))
            # Spark takes no blanks around values.
            filed |= {key: value.strip() for key, value in found.items()}
        except (OSError, ValueError) as error:
            raise SettingsError(f"properties file {file} cannot be read: {error}") from error
    pairs = (pair.partition("=") for pair in typed)
    return SparkSettings(options, {key: value for key, _, value in pairs}, filed, environment)
