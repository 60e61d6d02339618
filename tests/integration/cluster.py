"""A standalone cluster of Spark whose worker sees nothing of the driver's disk but Spark itself."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from job import HOME

from launcher.child import Child
from launcher.java import chosen_java
from launcher.spark import SPARK_HOME
from sandbox.ports import LOOPBACK, free_port

START_LIMIT_SECONDS = 90.0

# In a mount namespace of its own. The environment may lie in a directory that is covered, so it is
# kept aside and comes back at its own place; the last line proves that the rest is gone.
BLIND = """
environment=$1 keep=$2 hidden=$3
shift 3
mount --bind "$environment" "$keep"
for directory in $hidden; do mount -t tmpfs none "$directory"; done
mkdir -p "$environment"
mount --bind "$keep" "$environment"
for directory in $hidden; do
    find "$directory" -path "$environment" -prune -o -type f -print | (! grep .)
done
cd /
exec "$@"
"""


@contextmanager
def blind_cluster(directory: Path, *hidden: Path) -> Iterator[str]:
    """Its address for `--master`, once a worker has registered.

    Args:
        directory: For the logs of its processes and the files of its executors.
        hidden: Directories that the worker finds empty, besides the project's own.
    """
    port = free_port()
    keep = directory / "environment"
    keep.mkdir(parents=True)
    prefix = Path(sys.prefix)
    covered = " ".join(map(str, (HOME, *hidden)))
    blind = ("unshare", "--mount", "sh", "-euc", BLIND, "sh", str(prefix), str(keep), covered)
    url = f"spark://{LOOPBACK}:{port}"
    work = ("--work-dir", str(directory / "work"), "--cores", "2", "--memory", "1g")
    master = _start(directory, "master", (), "--port", str(port))
    worker = _start(directory, "worker", blind, *work, url)
    try:
        _wait_for("Successfully registered with master", worker)
        yield url
    finally:
        worker.kill()
        master.kill()


def _start(directory: Path, name: str, before: Sequence[str], *options: str) -> Child:
    main = f"org.apache.spark.deploy.{name}.{name.capitalize()}"
    jvm = (str(chosen_java().program), "-Xmx256m", "-XX:TieredStopAtLevel=1")
    command = (*before, *jvm, "-cp", f"{SPARK_HOME}/jars/*", main, "--host", LOOPBACK)
    environment = {
        **os.environ,
        "JAVA_HOME": str(chosen_java().home),
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_SCALA_VERSION": "2.13",  # which Spark's own scripts set for a worker
    }
    return Child(
        name, (*command, "--webui-port", "0", *options), directory / f"{name}.log", environment
    )


def _wait_for(line: str, process: Child) -> None:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while line not in process.log.read_text(errors="replace"):
        assert process.is_running, process.log.read_text(errors="replace")
        assert time.monotonic() < deadline, process.log.read_text(errors="replace")
        time.sleep(0.2)
