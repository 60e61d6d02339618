"""The manifests are what Kubernetes takes, and name only what the job has."""

from __future__ import annotations

import json
import os
import re
from contextlib import ExitStack

import kubernetes_validate
import pytest
import yaml
from deploy.manifests import (
    IMAGE,
    MONITOR,
    OPERATOR,
    SCHEDULED,
    STREAM,
    Tree,
    built_in,
    container,
    objects,
    option,
    templates,
    the,
    words,
)
from deploy.operator_fields import unknown_fields
from served import serve
from sources import HOME

from launcher.spark import spark_version
from launcher.submit.division import divide
from stream_telemetry.security.java_properties import properties_in
from telco_churn import __version__
from telco_churn.errors import ChurnStreamError, KafkaUnavailableError, QueryFailedError
from telco_churn.settings.job import Settings
from telco_churn.settings.resolve import read_settings

KUBERNETES = ("1.31", "1.37")
"""The first with `podFailurePolicy` for good, and the newest whose schemas are here."""
NOBODY = 65534
EXPORTED = ("stream", "driver")
"""Workloads that Prometheus scrapes."""


def mounted(template: Tree) -> dict[str, Tree]:
    """The volume behind each mount of a pod, by its path."""
    volumes = {volume["name"]: volume for volume in template["spec"].get("volumes", [])}
    mounts = container(template)["volumeMounts"]
    return {mount["mountPath"]: volumes.get(mount["name"], {}) for mount in mounts}


def settings_of(command: list[str], tmp_path: os.PathLike[str]) -> Settings:
    """What the job makes of a command line, with a file where the secret would be."""
    secret = os.path.join(tmp_path, "client.properties")
    with open(secret, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write("security.protocol=PLAINTEXT\n")
    given = [secret if word.startswith("/etc/churn/kafka/") else word for word in command]
    return read_settings([*divide(given, {}).job], {})


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_them(version: str) -> None:
    found = list(built_in())
    assert {name for name, _ in found} == {STREAM, SCHEDULED, OPERATOR}
    for _, manifest in found:
        assert kubernetes_validate.validate(manifest, version, strict=True) == version


def test_a_misspelt_field_is_found() -> None:
    manifest = the(STREAM, "StatefulSet")
    container(manifest["spec"]["template"])["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readinesProbe"):
        kubernetes_validate.validate(manifest, KUBERNETES[-1], strict=True)


def test_the_operators_know_each_field_of_their_kinds() -> None:
    for name, kind in ((OPERATOR, "SparkApplication"), (MONITOR, "PodMonitor")):
        manifest = the(name, kind)
        assert unknown_fields(manifest) == []
        manifest["spec"]["selecter"] = {}
        assert unknown_fields(manifest) == ["spec.selecter"]


def test_the_operator_gives_the_job_nothing_of_spark_submit_s() -> None:
    assert divide(words()["driver"], {}).spark == ()


@pytest.mark.parametrize("workload", words())
def test_the_job_takes_their_options(workload: str, tmp_path: os.PathLike[str]) -> None:
    settings = settings_of(words()[workload], tmp_path)
    assert settings.reading.trigger.is_once == (workload == "scheduled")
    assert settings.exporter.metrics_port == (None if workload == "scheduled" else 8000)


@pytest.mark.parametrize("workload", EXPORTED)
def test_probes_and_prometheus_ask_for_pages_that_are_there(workload: str) -> None:
    pod = container(templates()[workload])
    assert pod["ports"] == [{"name": "metrics", "containerPort": 8000}]
    asked = {name: pod[name]["httpGet"] for name in pod if name.endswith("Probe")}
    paths = {name: get["path"] for name, get in asked.items()}
    assert paths == {
        "startupProbe": "/health/live",
        "livenessProbe": "/health/live",
        "readinessProbe": "/health/ready",
    }
    (endpoint,) = the(MONITOR, "PodMonitor")["spec"]["podMetricsEndpoints"]
    assert {get["port"] for get in asked.values()} | {endpoint["port"]} == {"metrics"}
    with ExitStack() as stack:
        served = serve(stack)
        answers = {path: served.get(path).status for path in (*paths.values(), endpoint["path"])}
    # It has not begun: live, but not ready.
    assert answers == {"/health/live": 200, "/health/ready": 503, "/metrics": 200}
    assert option(words()[workload], "--metrics-host") == "0.0.0.0"


def test_prometheus_gives_the_labels_that_alerts_are_grouped_by() -> None:
    (endpoint,) = the(MONITOR, "PodMonitor")["spec"]["podMetricsEndpoints"]
    configured = yaml.safe_load((HOME / "conf/prometheus/prometheus.yml").read_text("utf-8"))
    (target,) = configured["scrape_configs"][0]["static_configs"]
    assert {rule["targetLabel"] for rule in endpoint["relabelings"]} == set(target["labels"])
    assert endpoint["interval"] == configured["global"]["scrape_interval"]


@pytest.mark.parametrize("workload", templates())
def test_a_pod_may_do_nothing_that_it_need_not(workload: str) -> None:
    template = templates()[workload]
    pod, inside = template["spec"]["securityContext"], container(template)["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert {pod["runAsUser"], pod["runAsGroup"], pod["fsGroup"]} == {NOBODY}
    assert inside["readOnlyRootFilesystem"] is True
    assert inside["allowPrivilegeEscalation"] is False
    assert inside["capabilities"] == {"drop": ["ALL"]}
    # Only the driver of a cluster asks Kubernetes for anything.
    has_token = template["spec"].get("automountServiceAccountToken", True)
    assert has_token == (workload in ("driver", "executor"))


@pytest.mark.parametrize("workload", templates())
def test_secrets_are_files_that_others_may_not_read(workload: str) -> None:
    volumes = mounted(templates()[workload])
    assert volumes["/tmp"]["emptyDir"]
    secret = volumes["/etc/churn/kafka"]["secret"]
    assert secret["defaultMode"] == 0o440
    assert "env" not in container(templates()[workload])


@pytest.mark.parametrize("workload", words())
def test_what_a_command_line_names_is_mounted_or_far_away(workload: str) -> None:
    command, volumes = words()[workload], mounted(templates()[workload])
    secret = option(command, "--kafka-config")
    checkpoint = option(command, "--checkpoint")
    assert os.path.dirname(secret) in volumes
    assert re.match(r"\w+://", checkpoint) or os.path.dirname(checkpoint) in volumes


def test_a_scheduled_run_is_tried_again_only_after_what_can_pass() -> None:
    job = the(SCHEDULED, "CronJob")["spec"]["jobTemplate"]["spec"]
    (failing,) = [r for r in job["podFailurePolicy"]["rules"] if r["action"] == "FailJob"]
    codes = {kind.exit_code for kind in ChurnStreamError.__subclasses__()}
    settled = {code for code in codes if 1 < code < 128}
    can_pass = {KafkaUnavailableError.exit_code, QueryFailedError.exit_code}
    assert set(failing["onExitCodes"]["values"]) == settled - can_pass
    assert failing["onExitCodes"]["containerName"] == container(job["template"])["name"]
    assert the(SCHEDULED, "CronJob")["spec"]["concurrencyPolicy"] == "Forbid"


@pytest.mark.parametrize("workload", ["stream", "scheduled", "driver"])
def test_a_stop_has_the_time_that_it_takes(workload: str) -> None:
    assert templates()[workload]["spec"]["terminationGracePeriodSeconds"] > 27


def test_the_operator_gets_what_spark_defaults_conf_says() -> None:
    text = (HOME / "conf" / "spark-defaults.conf").read_text("utf-8")
    ours = {key: value.strip() for key, value in properties_in(text).items()}
    spec = the(OPERATOR, "SparkApplication")["spec"]
    # The operator names the master, and has a field for the memory.
    del ours["spark.master"]
    assert spec["driver"]["memory"] == ours.pop("spark.driver.memory")
    assert spec["sparkConf"] == ours


def test_the_operator_runs_what_is_in_the_image() -> None:
    spec = the(OPERATOR, "SparkApplication")["spec"]
    assert spec["sparkVersion"] == spark_version()
    inside = [spec["mainApplicationFile"], spec["driver"]["javaOptions"]]
    for place in re.findall(r"/opt/churn-stream/(\S+)", json.dumps(inside).replace('"', " ")):
        assert (HOME / place.rstrip(",")).is_file(), place
    assert container(spec["driver"]["template"])["name"] == "spark-kubernetes-driver"
    assert container(spec["executor"]["template"])["name"] == "spark-kubernetes-executor"


def test_the_image_is_that_of_this_version() -> None:
    named = {container(templates()[name]).get("image") for name in ("stream", "scheduled")}
    named.add(the(OPERATOR, "SparkApplication")["spec"]["image"])
    assert named == {f"{IMAGE}:{__version__}"}


def test_selectors_find_the_pods_that_they_mean() -> None:
    application = the(OPERATOR, "SparkApplication")["spec"]
    labels = [
        the(STREAM, "StatefulSet")["spec"]["template"]["metadata"]["labels"],
        templates()["scheduled"]["metadata"]["labels"],
        application["driver"]["labels"],
        application["executor"]["labels"],
    ]
    selectors = [the(MONITOR, "PodMonitor")["spec"]["selector"]["matchLabels"]]
    for name in (STREAM, OPERATOR):
        budgets = [found for found in objects(name) if found["kind"] == "PodDisruptionBudget"]
        selectors += [budget["spec"]["selector"]["matchLabels"] for budget in budgets]
    component = "app.kubernetes.io/component"
    found = [
        [pod[component] for pod in labels if selector.items() <= pod.items()]
        for selector in selectors
    ]
    # The stream, in either way to run it, is scraped and has its budget; so have executors.
    assert found == [["stream"] * 2, ["stream"] * 2, ["stream"] * 2, ["executor"]]
