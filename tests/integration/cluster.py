"""A standalone cluster of Spark whose workers see nothing of the driver's disk but Spark's jars."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from job import HOME

from launcher.child import Child
from launcher.java import chosen_java
from launcher.spark import SPARK_HOME
from sandbox.ports import LOOPBACK, free_port

START_LIMIT_SECONDS = 90.0
# The second copy of a task never goes to the host of the first.
HOSTS = ("127.0.0.2", "127.0.0.3")
JOB_OPTIONS = (
    *("--conf", f"spark.driver.host={LOOPBACK}", "--conf", "spark.ui.port=0"),
    *("--conf", "spark.driver.memory=600m", "--conf", "spark.executor.memory=512m"),
    # As for the driver, in tests/integration/job.py.
    *("--conf", "spark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"),
)

# In a mount namespace of its own. Spark's jars and Java may lie in a directory that is covered, so
# they are kept aside and come back at their own places; so do files that a worker has, and the
# driver has others, or none, at the same paths. The last loop proves that the rest is gone.
BLIND = """
aside=$1 hidden=$2 returning=$3
shift 3
number=0
for pair in $returning; do
    number=$((number + 1))
    mkdir -p "$aside/$number"
    mount --bind "${pair%%=*}" "$aside/$number"
done
for directory in $hidden; do
    mkdir -p "$directory"
    mount -t tmpfs none "$directory"
done
number=0
for pair in $returning; do
    number=$((number + 1))
    mkdir -p "${pair#*=}"
    mount --bind "$aside/$number" "${pair#*=}"
done
for directory in $hidden; do
    find "$directory" -xdev -type f -print | (! grep .)
done
cd /
exec "$@"
"""


@dataclass
class Cluster:
    """A master, two workers, and what can happen to them.

    Attributes:
        directory: For the logs of its processes and the files of its executors.
        hidden: Directories that the workers find empty, besides those of project and Python.
        given: Directories that workers have at the path which is the value.
        recovers: Whether a master remembers what the one before it knew.
    """

    directory: Path
    hidden: Sequence[Path] = ()
    given: Mapping[Path, Path] = field(default_factory=dict)
    recovers: bool = False

    def __post_init__(self) -> None:
        self.port = free_port()
        self.page = free_port()
        self.url = f"spark://{LOOPBACK}:{self.port}"
        self.master: Child | None = None
        self.workers: dict[str, Child] = {}

    def start_master(self) -> None:
        """Starts it, and returns when it listens."""
        recovery = {
            "spark.deploy.recoveryMode": "FILESYSTEM",
            "spark.deploy.recoveryDirectory": str(self.directory / "recovery"),
        }
        settings = [f"-D{k}={v}" for k, v in recovery.items()] if self.recovers else []
        log = self.directory / f"master-{time.monotonic_ns()}.log"
        port = ("--port", str(self.port), "--webui-port", str(self.page))
        self.master = _start(log, "master", LOOPBACK, settings, port)
        _wait_for("I have been elected leader!", self.master)

    def start_worker(self, host: str, before: Sequence[str] = ()) -> Child:
        """Starts one, and returns when the master knows it."""
        work = ("--work-dir", str(self.directory / f"work-{host}"), "--cores", "2")
        words = ("--webui-port", "0", "--memory", "1g", *work, self.url)
        log = self.directory / f"worker-{host}-{time.monotonic_ns()}.log"
        worker = _start(log, "worker", host, (), words, before)
        self.workers[host] = worker
        _wait_for("Successfully registered with master", worker)
        return worker

    def start_blind_workers(self) -> None:
        """Starts those that do not run; they see only what they may."""
        for host in HOSTS:
            if host not in self.workers or not self.workers[host].is_running:
                self.start_worker(host, self._blind(host))

    def _blind(self, host: str) -> tuple[str, ...]:
        aside = self.directory / f"aside-{host}"
        aside.mkdir(exist_ok=True)
        java = chosen_java()
        kept = (SPARK_HOME / "jars", java.home, java.program.resolve().parents[1])
        pairs = [*((path, path) for path in kept), *self.given.items()]
        hidden = " ".join(map(str, (HOME, sys.prefix, *self.hidden)))
        returning = " ".join(f"{source}={target}" for source, target in pairs)
        return ("unshare", "--mount", "sh", "-euc", BLIND, "sh", str(aside), hidden, returning)

    def stop(self) -> None:
        """Kills what is left of it."""
        for child in (*self.workers.values(), self.master):
            if child:
                child.kill()


@contextmanager
def blind_cluster(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with all its processes, once the workers have registered."""
    cluster.directory.mkdir(parents=True, exist_ok=True)
    try:
        cluster.start_master()
        cluster.start_blind_workers()
        yield cluster
    finally:
        cluster.stop()


def executors_of(worker: Child) -> list[int]:
    """Process ids of the executors that it has started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_executor = b"CoarseGrainedExecutorBackend" in (process / "cmdline").read_bytes()
            if is_executor and os.getpgid(int(process.name)) == worker.pid:
                found.append(int(process.name))
        except OSError:
            continue
    return found


def _start(
    log: Path,
    name: str,
    host: str,
    settings: Sequence[str],
    words: Sequence[str],
    before: Sequence[str] = (),
) -> Child:
    main = f"org.apache.spark.deploy.{name}.{name.capitalize()}"
    jvm = (str(chosen_java().program), "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
    command = (*before, *jvm, *settings, "-cp", f"{SPARK_HOME}/jars/*", main, "--host", host)
    environment = {
        **os.environ,
        "JAVA_HOME": str(chosen_java().home),
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_LOCAL_IP": host,
        "SPARK_SCALA_VERSION": "2.13",  # which Spark's own scripts set for a worker
    }
    return Child(name, (*command, *words), log, environment)


def _wait_for(line: str, process: Child) -> None:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while line not in process.log.read_text(errors="replace"):
        assert process.is_running, process.log.read_text(errors="replace")
        assert time.monotonic() < deadline, process.log.read_text(errors="replace")
        time.sleep(0.2)
