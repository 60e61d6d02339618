from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry

from stream_telemetry.broker import topic_watch
from stream_telemetry.broker.admin import AdminError, KnownTopic
from stream_telemetry.broker.partitions import Bounds
from stream_telemetry.broker.topic_watch import TopicWatch
from stream_telemetry.health import Health, limits_for
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore

READ: Mapping[str, str | None] = {"raw": "id-1"}


class World:
    """What a broker would tell, and what the watch makes of it."""

    def __init__(self, read: Mapping[str, str | None] = READ, *, goes_back: bool = False) -> None:
        self.ids: dict[str, str | None] = {"predictions": "id-p", **read}
        self.is_away = False
        self.ends: dict[int, int] = {0: 0, 1: 0}
        self.read: dict[int, int] = {0: 0, 1: 0}
        self.told: list[str] = []
        self.registry = CollectorRegistry()
        self.watch = TopicWatch(read, self._ask, self.told.append, goes_back=goes_back)

    def note(self, ends: dict[int, int] | None = None, read: dict[int, int] | None = None) -> None:
        """The next answer about offsets."""
        self.ends, self.read = ends or self.ends, read or self.read
        found = {("raw", partition): end for partition, end in self.ends.items()}
        positions = {("raw", partition): at for partition, at in self.read.items()}
        self.watch.note(Bounds(dict.fromkeys(found, 0), found), positions)
        time.sleep(0.2)

    def lost(self) -> float:
        samples = [
            self.registry.get_sample_value(
                catalogue.RECORDS_LOST.name, {"topic": "raw", "partition": str(partition)}
            )
            for partition in (0, 1)
        ]
        return sum(sample or 0 for sample in samples)

    def _ask(self) -> dict[str, KnownTopic]:
        if self.is_away:
            raise AdminError("TimeoutException", "no answer")
        return {name: KnownTopic(topic_id, 2) for name, topic_id in self.ids.items()}


@contextmanager
def watched(world: World) -> Iterator[World]:
    store = MetricStore()
    world.registry.register(store)
    health = Health(limits_for(5, is_realtime=False), has_model=False)
    world.watch.start(store, health, world.note)
    yield world
    world.watch.finish(5)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_watch, "ASK_SECONDS", 0.05)


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_topic_that_stays_what_it_is_is_left_alone() -> None:
    with watched(World()) as world:
        for end in range(0, 50, 10):
            world.note({0: end, 1: end}, {0: end // 2, 1: end})
        world.is_away = True
        world.note()
    assert (world.told, world.lost()) == ([], 0)


def test_a_topic_made_anew_ends_the_run_with_both_ids_and_what_was_passed_over() -> None:
    with watched(World()) as world:
        world.note({0: 30, 1: 20}, {0: 30, 1: 15})
        # The new one has already grown longer than the old one was.
        world.ids["raw"] = "id-2"
        world.note({0: 100, 1: 5})
        eventually(lambda: world.told)
    (told,) = world.told
    assert "raw has been deleted and made anew (id id-1 then, id-2 now)" in told
    # 30 of the new partition 0; of partition 1 five unread old ones, and the five new ones.
    assert "40 records are lost or were passed over" in told
    assert world.lost() == 40


def test_of_several_topics_that_are_read_each_ends_the_run() -> None:
    with watched(World({"raw": "id-1", "labels": None})) as world:
        # The first id that is told counts where none was known.
        world.ids["labels"] = "id-l"
        world.note({0: 1, 1: 1})
        world.ids["labels"] = "id-m"
        world.note()
        eventually(lambda: world.told)
    assert "labels has been deleted and made anew (id id-l then, id-m now)" in world.told[0]


def test_an_output_made_anew_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with watched(World()) as world:
        world.note({0: 1, 1: 1})
        world.ids["predictions"] = "id-q"
        world.note()
        world.note()
    assert world.told == []
    said = "topic predictions has been deleted and made anew (id id-p then, id-q now): what was"
    assert caplog.text.count(said) == 1


@pytest.mark.parametrize("topic_id", ["id-1", None])
def test_an_end_that_went_back_behind_what_was_read_ends_the_run(topic_id: str | None) -> None:
    with watched(World({"raw": topic_id})) as world:
        world.note({0: 100, 1: 7}, {0: 90, 1: 7})
        world.note({0: 80, 1: 7})
        eventually(lambda: world.told)
    assert "the end of raw-0 went back from 100 to 80: Kafka has lost" in world.told[0]
    assert "the query had read up to 90" in world.told[0]
    assert world.lost() == 10


@pytest.mark.parametrize(("read", "goes_back"), [(70, False), (90, True)])
def test_an_end_that_went_back_where_the_query_follows_is_a_line_and_counted(
    read: int, goes_back: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with watched(World(goes_back=goes_back)) as world:
        world.note({0: 100, 1: 7}, {0: read, 1: 7})
        world.note({0: 80, 1: 7})
        world.note()
    assert world.told == []
    assert caplog.text.count("the end of raw-0 went back from 100 to 80") == 1
    assert world.lost() == 100 - max(80, read)


def test_fewer_partitions_than_before_are_another_topic() -> None:
    with watched(World({"raw": None})) as world:
        world.note({0: 10, 1: 10}, {0: 10, 1: 4})
        world.note({0: 50})
        eventually(lambda: world.told)
    assert world.told == ["raw has no partition 1 any more: it has been made anew"]
    assert world.lost() == 6
