"""Tables with a line for each replica."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from dashboards.boards.parts.blocks import NOBODY, Panel, now, rows
from dashboards.boards.parts.choice import Choice, known_targets, rate
from dashboards.boards.parts.colours import BAD, BY_STATE, PLAIN
from dashboards.site import Site
from stream_telemetry.metrics import catalogue, of_model


def replicas(site: Site, choice: Choice) -> Panel:
    """A line for each replica, dead ones too."""
    of = ", ".join((*site.names.environment_labels, "job", "instance"))
    dead = f'label_replace(({known_targets(choice)}) == 0, "state", "{NOBODY}", "", "")'
    states = f"{choice.series(catalogue.STATE)} == 1 or {dead}"
    panel = rows(
        "Replicas",
        "Each target that has been a consumer within a day: its state, what waits, its records a "
        "second, and how long its process has lived.",
        {
            **{"state": "State", "instance": "Replica", "job": "Job", "Value #B": "Lag"},
            **{"Value #C": "Oldest waiting", "Value #D": "Records a second", "Value #E": "Up for"},
        },
        now(f"max by ({of}, state) ({states})"),
        now(f"sum by ({of}) ({choice.series(catalogue.LAG)})"),
        now(f"max by ({of}) ({choice.series(catalogue.LAG_SECONDS)})"),
        now(f"sum by ({of}) ({rate(choice.series(catalogue.PROCESSED))})"),
        now(f"max by ({of}) (time() - {choice.series(catalogue.PROCESS_START)})"),
        hidden=("Value #A",),
    )
    for column in ("Oldest waiting", "Up for"):
        panel.override_by_name(column, [DynamicConfigValue("unit", "s")])
    colours = {name: {"text": name, "color": colour} for name, colour in BY_STATE.items()}
    cell = [
        DynamicConfigValue("mappings", [{"type": "value", "options": colours}]),
        DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
    ]
    return panel.override_by_name("State", cell)


def what_runs(site: Site, choice: Choice) -> Panel:
    """Version, settings and model of each replica, and whether it has refused another one."""
    of = ", ".join((*site.names.environment_labels, "job", "instance"))
    labels = "version, mode, broker, consumer_group, model_backend"
    info = choice.series(catalogue.MODEL_INFO)
    model = f'label_replace({info}, "model", "$1", "version", "(.*)")'
    panel = rows(
        "What Runs",
        "Version and settings of each replica, its model, how old that is, and whether another one "
        "was found that cannot be used.",
        {
            **{"instance": "Replica", "job": "Job", "version": "Version", "mode": "Mode"},
            **{"broker": "Broker", "consumer_group": "Group", "model_backend": "Backend"},
            **{"model": "Model", "Value #C": "Model age", "Value #D": "Another model"},
        },
        now(f"max by ({of}, {labels}) ({choice.series(catalogue.INFO)})"),
        now(f"max by ({of}, model) ({model})"),
        now(f"max by ({of}) (time() - {choice.series(catalogue.MODEL_CREATED)})"),
        now(f"max by ({of}) ({choice.series(of_model.REFUSED)})"),
        hidden=("Value #A", "Value #B"),
    )
    panel.override_by_name("Model age", [DynamicConfigValue("unit", "s")])
    told = {"0": {"text": "none", "color": PLAIN}, "1": {"text": "refused", "color": BAD}}
    cell = [
        DynamicConfigValue("mappings", [{"type": "value", "options": told}]),
        DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
    ]
    return panel.override_by_name("Another model", cell)
