"""Secrets on command lines are told by their names."""

from __future__ import annotations

import pytest

from launcher.submit.division import divide
from launcher.submit.exposed import exposed
from launcher.submit.spark_settings import read_spark_settings
from launcher.submit.surroundings import with_conf_dir

CANARY = "canary-51c7"


def told(*words: str, **environment: str) -> list[str]:
    return list(exposed(read_spark_settings(divide(words, {}), with_conf_dir(environment))))


@pytest.mark.parametrize(
    "key",
    [
        "spark.hadoop.fs.s3a.secret.key",
        "spark.hadoop.fs.s3a.access.key",
        "spark.hadoop.fs.s3a.session.token",
        "spark.hadoop.fs.azure.account.key.mine.dfs.core.windows.net",
        "spark.hadoop.fs.gs.auth.service.account.private.key",
        "spark.authenticate.secret",
        "spark.ssl.keyPassword",
        "spark.executorEnv.DB_PASSWORD",
    ],
)
def test_a_secret_of_spark_is_told_by_its_name(key: str) -> None:
    (line,) = told("--conf", f"{key}={CANARY}")
    assert line.startswith(f"--conf {key} is a secret that everybody on this machine can read")
    assert CANARY not in line


@pytest.mark.parametrize(
    "setting",
    [
        "spark.kubernetes.authenticate.oauthTokenFile=/run/token",
        "spark.kubernetes.driver.secretKeyRef.DB_PASSWORD=db:password",
        "spark.kubernetes.executor.secrets.churn-secret=/etc/churn",
        "spark.hadoop.fs.s3a.aws.credentials.provider=org.x.TokenProvider",
        "spark.ssl.keyPassword=",
        "spark.ui.port=4050",
    ],
)
def test_what_only_names_a_secret_is_none(setting: str) -> None:
    assert told("--conf", setting) == []


def test_a_password_in_a_url_is_told_whatever_holds_it() -> None:
    (line,) = told("--conf", f"spark.jars.repositories=https://me:{CANARY}@maven.example.org")
    assert line.startswith("--conf spark.jars.repositories is a secret")


@pytest.mark.parametrize("variable", ["SPARK_SUBMIT_OPTS", "JAVA_TOOL_OPTIONS"])
def test_properties_of_the_jvm_are_told_too(variable: str) -> None:
    (line,) = told(**{variable: f"-Xmx1g -Djavax.net.ssl.keyStorePassword={CANARY} -Da=b"})
    assert line.startswith("-Djavax.net.ssl.keyStorePassword is a secret")
    assert CANARY not in line


def test_nothing_is_said_where_there_is_none() -> None:
    assert told("--master", "local[2]", "--conf", "spark.eventLog.enabled=true") == []
