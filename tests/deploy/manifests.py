"""The manifests in `deploy/kubernetes`, and what their containers are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from sources import HOME

Tree = dict[str, Any]
"""A part of a manifest."""

DEPLOY = HOME / "deploy"
FILES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
IMAGE = "churn-stream"
STREAM, SCHEDULED = "one-pod.yaml", "scheduled.yaml"
OPERATOR, MONITOR = "spark-application.yaml", "pod-monitor.yaml"


def objects(name: str) -> list[Tree]:
    """The objects of one file, in their order."""
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text("utf-8")))


def the(name: str, kind: str) -> Tree:
    """The one object of this kind in a file."""
    (found,) = [found for found in objects(name) if found["kind"] == kind]
    return found


def templates() -> dict[str, Tree]:
    """What each pod is made from, by the name of its workload."""
    application = the(OPERATOR, "SparkApplication")["spec"]
    return {
        "stream": the(STREAM, "StatefulSet")["spec"]["template"],
        "scheduled": the(SCHEDULED, "CronJob")["spec"]["jobTemplate"]["spec"]["template"],
        "driver": application["driver"]["template"],
        "executor": application["executor"]["template"],
    }


def container(template: Tree) -> Tree:
    """The pod's one container."""
    found: list[Tree] = template["spec"]["containers"]
    (only,) = found
    return only


def words() -> dict[str, list[str]]:
    """The command line of each workload that runs the job."""
    found = {name: container(template).get("args") for name, template in templates().items()}
    given = {name: list(args) for name, args in found.items() if args}
    return given | {"driver": the(OPERATOR, "SparkApplication")["spec"]["arguments"]}


def option(command: list[str], name: str) -> str:
    """The value of an option in a command line."""
    return command[command.index(name) + 1]


def built_in() -> Iterator[tuple[str, Tree]]:
    """Objects of Kubernetes' own kinds, and the operator's templates as such: file and object."""
    for file in FILES:
        for found in objects(file.name):
            if found["apiVersion"] == "sparkoperator.k8s.io/v1beta2":
                for role in ("driver", "executor"):
                    template = found["spec"][role]["template"]
                    pod: Tree = {"apiVersion": "v1", "kind": "PodTemplate", "template": template}
                    yield file.name, {**pod, "metadata": {"name": role}}
            elif found["apiVersion"] != "monitoring.coreos.com/v1":
                yield file.name, found
