from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient
from waiting import eventually

from launcher.cache.jars import JarSet, fetch
from launcher.child import Child
from launcher.errors import LaunchError
from sandbox.errors import SandboxError
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.kafka_jars import KAFKA
from sandbox.kafka.read_back import read_topic
from sandbox.kafka.topics import CustomerTopics, create_topics, delete_topics
from sandbox.ports import LOOPBACK, port_is_free

GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"

OWNER = """
import sys, time
from pathlib import Path
from launcher.child import Child
child = Child("sleeper", ["sh", "-c", "sleep 600 & echo $!; wait"], Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    with KafkaBroker(tmp_path_factory.mktemp("own-kafka")) as broker:
        yield broker


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie has ended too; in a container nobody may be there to reap an orphan.
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return not state.stdout.strip().startswith("Z")


def publish(bootstrap: str, topic: str, *values: str) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 2_000_000})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(20) == 0


def values_in(bootstrap: str, topic: str) -> list[str]:
    return sorted((message.value() or b"").decode() for message in read_topic(bootstrap, topic))


def test_a_killed_broker_comes_back_on_its_port_with_its_data(own_broker: KafkaBroker) -> None:
    address, pid = own_broker.bootstrap_servers, own_broker.pid
    create_topics(address, {"kept": 1})
    publish(address, "kept", "before")

    own_broker.kill()
    assert not own_broker.is_running
    assert port_is_free(int(address.split(":")[1]))
    own_broker.start()

    assert own_broker.bootstrap_servers == address
    assert own_broker.pid != pid
    publish(address, "kept", "after")
    assert values_in(address, "kept") == ["after", "before"]


def test_a_second_broker_runs_beside_the_first_and_leaves_nothing_when_stopped(
    own_broker: KafkaBroker, tmp_path: Path
) -> None:
    with KafkaBroker(tmp_path, overrides={"message.max.bytes": "2000000"}) as second:
        pid, address = second.pid, second.bootstrap_servers
        assert address != own_broker.bootstrap_servers
        create_topics(address, {"only-here": 1})
        publish(address, "only-here", "x" * 1_500_000)
        known = AdminClient({"bootstrap.servers": own_broker.bootstrap_servers}).list_topics(
            timeout=5
        )
        assert "only-here" not in known.topics
    assert pid is not None
    assert not is_alive(pid)
    assert port_is_free(int(address.split(":")[1]))


def test_a_paused_broker_answers_nothing_until_it_goes_on(own_broker: KafkaBroker) -> None:
    admin = AdminClient({"bootstrap.servers": own_broker.bootstrap_servers, "log_level": 0})
    own_broker.pause()
    try:
        with pytest.raises(KafkaException):
            admin.list_topics(timeout=0.5)
        assert own_broker.is_running
    finally:
        own_broker.resume()
    assert admin.list_topics(timeout=10).brokers


def test_it_listens_on_the_loopback_address_only(own_broker: KafkaBroker) -> None:
    port = int(own_broker.bootstrap_servers.split(":")[1])
    # All of 127.0.0.0/8 is this machine; a broker bound to every address would answer here too.
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.2", port))


def test_kafkas_own_tools_run_against_it(own_broker: KafkaBroker) -> None:
    arguments = ("--bootstrap-server", own_broker.bootstrap_servers)
    assert own_broker.run_tool(GROUPS, *arguments, "--list").strip() == ""
    with pytest.raises(SandboxError, match="ConsumerGroupCommand failed"):
        own_broker.run_tool(GROUPS, *arguments, "--no-such-option")


def test_topics_are_made_once_and_deleted_if_there(own_broker: KafkaBroker) -> None:
    address = own_broker.bootstrap_servers
    create_topics(address, {"wanted": 2}, {"retention.ms": "60000"})
    create_topics(address, {"wanted": 2})
    known = AdminClient({"bootstrap.servers": address}).list_topics(timeout=5).topics
    assert len(known["wanted"].partitions) == 2
    delete_topics(address, ["wanted", "never-made"])
    assert eventually(
        lambda: (
            "wanted"
            not in AdminClient({"bootstrap.servers": address}).list_topics(timeout=5).topics
        )
    )
    with pytest.raises(SandboxError, match="topic bad name could not be made"):
        create_topics(address, {"bad name": 1})


def test_the_topics_of_a_test_are_there_and_empty(broker: str, topic_names: CustomerTopics) -> None:
    known = AdminClient({"bootstrap.servers": broker}).list_topics(timeout=5).topics
    names = (topic_names.raw, topic_names.predictions, topic_names.dead_letters)
    assert [len(known[name].partitions) for name in names] == [3, 3, 1]
    assert values_in(broker, topic_names.raw) == []


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SandboxError, match=f"port {port} is taken; stop what listens there"):
            KafkaBroker(tmp_path, port=port).start()


def test_a_broker_that_refuses_its_settings_says_why_and_names_its_log(tmp_path: Path) -> None:
    broker = KafkaBroker(tmp_path, overrides={"num.io.threads": "none"})
    with pytest.raises(SandboxError, match=r"num\.io\.threads") as failure:
        broker.start()
    assert "\n" not in str(failure.value)
    assert not broker.is_running


def test_children_die_with_an_owner_that_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(log)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        child = int(owner.stdout.readline())
        assert eventually(lambda: log.read_text() != "")
        grandchild = int(log.read_text())
        assert is_alive(child)
        owner.send_signal(signal.SIGKILL)
    assert eventually(lambda: not is_alive(child) and not is_alive(grandchild))


def test_a_child_that_ignores_sigterm_is_killed_with_all_it_started(tmp_path: Path) -> None:
    script = "trap '' TERM; sh -c 'sleep 600' & echo $!; wait"
    child = Child("stubborn", ["sh", "-c", script], tmp_path / "log")
    assert eventually(lambda: (tmp_path / "log").read_text() != "")
    grandchild = int((tmp_path / "log").read_text())
    assert child.stop(grace_seconds=0.2) == -signal.SIGKILL
    assert child.kill() == -signal.SIGKILL
    assert eventually(lambda: not is_alive(grandchild))


def test_a_program_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"the job could not be started: .*no-such-program"):
        Child("the job", ["no-such-program"], tmp_path / "log")


def test_without_network_the_download_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDBOX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SPARK_SUBMIT_OPTS", "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=9")
    wanted = JarSet("Nothing 1.0", KAFKA.directory, ("org.example:nothing:1.0",), (), 1)
    with pytest.raises(LaunchError, match=r"could not download Nothing 1\.0 .*go online once"):
        fetch(wanted)
    assert list((tmp_path / "cache").iterdir()) == []
