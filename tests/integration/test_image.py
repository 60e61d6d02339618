"""The steps of deploy/Dockerfile without a container engine, and its entry as the image's user.

What an engine adds is not tried: the base image, and that a copy from stage to stage keeps the
times of files, by which class archives are found.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from deploy.dockerfile import copied, environment, instructions
from job import HOME
from load import publish
from sources import project_files
from verifying import assert_all_accounted

from sandbox.kafka.topics import CustomerTopics

RECORDS = 60
TREE = "/opt/churn-stream"
# The tests' own Python stands for that of the base image; users may not look into its owner's home.
PLACES = """
mount -t tmpfs none /opt
mkdir /opt/churn-stream /opt/python
mount --bind "$TREE" /opt/churn-stream
mount --bind "$BASE" /opt/python
cd /opt/churn-stream
"""
# As a pod has it: nothing can be written to but what is mounted on /tmp.
READ_ONLY = """
for directory in / /opt /opt/churn-stream /opt/python; do
    mount -o remount,bind,ro "$directory"
done
mount -t tmpfs -o mode=1777 none /tmp
if touch /opt/churn-stream/x /var/x 2>/dev/null; then exit 99; fi
"""
AS_NOBODY = (
    *("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"),
    *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
)


def in_image(
    tree: Path, script: str, *arguments: str, time_limit: float
) -> subprocess.CompletedProcess[str]:
    """Runs a script where the tree and a Python are at their places in the image."""
    kept = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_", "REQUESTS_"))}
    return subprocess.run(
        ["unshare", "--mount", "sh", "-euc", script, "image", *arguments],
        env={
            **kept,
            **environment(),
            "PATH": "/opt/python/bin:/usr/local/bin:/usr/bin:/bin",
            # Some Pythons look for their library in the directory that they were installed in.
            "LD_LIBRARY_PATH": "/opt/python/lib",
            "HOME": "/nonexistent",
            "TREE": str(tree),
            "BASE": sys.base_prefix,
        },
        capture_output=True,
        text=True,
        timeout=time_limit,
    )


def run_steps(*, after_user: bool) -> list[str]:
    """The commands of the Dockerfile's RUN steps, but for Debian's packages."""
    names = [instruction.name for instruction in instructions()]
    user = names.index("USER")
    part = instructions()[user:] if after_user else instructions()[:user]
    return [i.text for i in part if i.name == "RUN" and "apt-get" not in i.text]


def copy_sources(tree: Path) -> None:
    """What the Dockerfile copies, as `git archive` would give it."""
    sources = [Path(source) for source, _ in copied()]
    for path in project_files():
        if any(path.is_relative_to(source) for source in sources):
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(HOME / path, tree / path)


def entry() -> Sequence[str]:
    (found,) = [i.words for i in instructions() if i.name == "ENTRYPOINT"]
    return found


@pytest.mark.slow
@pytest.mark.needs("unshare", "setpriv", "tini")
def test_its_steps_make_a_tree_that_nobody_writes_to_and_anybody_runs(
    tmp_path: Path, broker: str, topic_names: CustomerTopics
) -> None:
    tree = tmp_path / "tree"
    copy_sources(tree)
    steps = "\n".join((PLACES, *run_steps(after_user=False)))
    built = in_image(tree, steps, time_limit=1800)
    assert built.returncode == 0, built.stdout + built.stderr
    publish(broker, topic_names.raw, RECORDS)
    as_nobody = f'{PLACES}{READ_ONLY}cd {TREE}\nexec "$@"'
    (check,) = run_steps(after_user=True)
    checked = in_image(tree, as_nobody, *AS_NOBODY, "sh", "-ec", check, time_limit=120)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Making" not in checked.stderr
    ran = in_image(
        tree,
        as_nobody.replace(f"cd {TREE}", "cd /tmp"),
        *(*AS_NOBODY, *entry(), "--trigger", "once", "--broker", broker),
        *("--input-topic", topic_names.raw, "--output-topic", topic_names.predictions),
        *("--deadletter-topic", topic_names.dead_letters, "--checkpoint", "/tmp/checkpoint"),
        *("--metrics-port", "0", "--conf", "spark.ui.port=0"),
        time_limit=240,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "with class archive" in ran.stderr
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert sum(line.get("event_type") == "message_processed" for line in lines) == RECORDS
    assert assert_all_accounted(broker, topic_names)["predictions"] == RECORDS
    shutil.rmtree(tree)
