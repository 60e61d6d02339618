"""The environment that Spark is started in: ours wins over what another Spark has left in it."""

from __future__ import annotations

import os
import pwd
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from launcher.java import Java, use_chosen_java
from launcher.spark import SPARK_HOME, spark_version
from launcher.submit.spark_settings import SparkSettings
from telco_churn.errors import SettingsError
from telco_churn.paths import project_home
from telco_churn.settings.resolve import job_variables
from telco_churn.settings.service_links import without_links
from telco_churn.settings.unknown_variables import unknown_variables

CALLERS_PYTHONPATH = "CALLERS_PYTHONPATH"
"""Where spark-submit.sh puts the caller's PYTHONPATH, so that this process does not see it."""
_CONNECT = ("SPARK_REMOTE", "SPARK_LOCAL_REMOTE", "SPARK_API_MODE", "SPARK_CONNECT")


def prepared_environment(
    environment: Mapping[str, str], settings: SparkSettings, java: Java
) -> dict[str, str]:
    """The environment for spark-submit, made from the caller's."""
    # The job need not say again which of them were passed over.
    told = {CALLERS_PYTHONPATH, *unknown_variables(environment, job_variables())}
    kept = {
        name: value
        for name, value in without_links(environment).items()
        if name not in told and not name.startswith(_CONNECT)
    }
    path = [str(Path(__file__).resolve().parents[2])]
    path += [entry for entry in _python_path(environment) if not _has_spark(entry)]
    prepared = kept | {
        "JAVA_HOME": str(java.home),
        "PYTHONPATH": os.pathsep.join(path),
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_CONF_DIR": settings.environment["SPARK_CONF_DIR"],
        # Else Spark takes the first `python3` on the PATH, which may lack our packages.
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }
    prepared |= user_variables(environment)
    # For the JVM that only builds the command line of the job's JVM.
    prepared.setdefault("SPARK_LAUNCHER_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    if settings.driver_is_local:
        # Without this Spark's web page and ports are open to the network.
        prepared.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    if sys.stdout.isatty():
        # spark-submit puts a pipe before the terminal.
        prepared.setdefault("FORCE_COLOR", "1")
    return prepared


def python_options(settings: SparkSettings) -> list[str]:
    """Options of spark-submit that keep the driver on this Python.

    A site's file may name another one for all its jobs, which lacks the packages of this one.
    """
    keys = {"spark.pyspark.python", "spark.pyspark.driver.python"}
    is_named = keys & settings.filed.keys() and not keys & settings.typed.keys()
    if is_named and not settings.is_in_cluster:
        return ["--conf", f"spark.pyspark.driver.python={sys.executable}"]
    return []


def ready_this_process() -> None:
    """Readies the environment of a process that starts Spark's JVM itself, without spark-submit.

    Raises:
        LaunchError: there is no Java that fits.
    """
    for name in [name for name in os.environ if name.startswith(_CONNECT)]:
        del os.environ[name]
    os.environ.update(user_variables(os.environ), SPARK_HOME=str(SPARK_HOME))
    use_chosen_java()


def with_conf_dir(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with `SPARK_CONF_DIR`: a site's own, else the project's `conf/`."""
    given = environment.get("SPARK_CONF_DIR") or str(project_home() / "conf")
    return {**environment, "SPARK_CONF_DIR": given}


def passed_over(environment: Mapping[str, str]) -> Iterator[str]:
    """A line for each thing in the environment that has no effect here, though it has elsewhere."""
    sparks = [entry for entry in _python_path(environment) if _has_spark(entry)]
    named = environment.get("SPARK_HOME")
    if named and Path(named).resolve() != SPARK_HOME.resolve():
        sparks.insert(0, named)
    if sparks:
        yield (
            f"another Spark is passed over ({', '.join(sparks)}, by SPARK_HOME or PYTHONPATH): "
            f"Spark {spark_version()} in {SPARK_HOME} runs"
        )
    if connect := sorted(name for name in environment if name.startswith(_CONNECT)):
        yield f"{', '.join(connect)} passed over: the job needs Spark's classic API, not Connect"


def check_classic_api(settings: SparkSettings) -> None:
    """Refuses Spark Connect, which lacks the classic API that the job is written in.

    Raises:
        SettingsError: an option or a property asks for it; names which.
    """
    for option, key in (("--remote", "spark.remote"), ("", "spark.api.mode")):
        value = settings.value(option, key)
        if value and (key, value) != ("spark.api.mode", "classic"):
            asked = option if settings.options.get(option) else key
            raise SettingsError(
                f"{asked} {value}: the job needs Spark's classic API, not Spark Connect; leave it "
                "out and name the cluster with --master"
            )


def check_deploy_mode(settings: SparkSettings) -> None:
    """Refuses what Spark would refuse with a stack trace, or a line that names another setting.

    Raises:
        SettingsError: the driver is to run on a cluster that takes no Python program.
    """
    if not settings.is_in_cluster:
        return
    if settings.master.startswith("spark://"):
        raise SettingsError(
            f"deploy mode cluster with {settings.master}: Spark's own clusters take no Python "
            "program that way; leave it out, and the driver runs where the job is started "
            "(docs/cluster.md)"
        )
    if settings.master.startswith("local"):
        raise SettingsError(
            f"deploy mode cluster with {settings.master}, which is this machine; name the cluster "
            "with --master, or leave it out"
        )


def user_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables that give a name to a user id that has none, as some containers have.

    The JVM would call both user and home `?`, at which Ivy and Hadoop fail.
    """
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        name = environment.get("HADOOP_USER_NAME") or f"uid{os.getuid()}"
        options = f"-Duser.name={name} -Duser.home={tempfile.gettempdir()}"
        given = environment.get("SPARK_SUBMIT_OPTS", "")
        return {"HADOOP_USER_NAME": name, "SPARK_SUBMIT_OPTS": f"{options} {given}".strip()}
    return {}


def _python_path(environment: Mapping[str, str]) -> list[str]:
    return [entry for entry in environment.get(CALLERS_PYTHONPATH, "").split(os.pathsep) if entry]


def _has_spark(entry: str) -> bool:
    name = Path(entry).name
    return Path(entry, "pyspark").is_dir() or name.startswith(("py4j-", "pyspark."))
