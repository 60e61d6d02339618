from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from waiting import eventually

from stream_telemetry.checkpoint import lease as leases
from stream_telemetry.checkpoint.files import CheckpointFiles
from stream_telemetry.checkpoint.lease import FOLDER, Lease, LeaseTakenError

EXPIRY = 1.5


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.3)
    monkeypatch.setattr(leases, "EXPIRY_SECONDS", EXPIRY)


def fail(reason: str) -> None:
    raise AssertionError(reason)


def taken(files: CheckpointFiles, on_loss: Callable[[str], None] = fail) -> Lease:
    lease = Lease(files, on_loss)
    lease.take()
    return lease


def file_of(files: CheckpointFiles, number: int) -> Path:
    """Read by itself: Hadoop would compare a file that is just replaced to the old checksum."""
    directory = files.local()
    assert directory is not None
    return directory / FOLDER / str(number)


def seen_from_elsewhere(files: CheckpointFiles, number: int, **changed: str) -> dict[str, Any]:
    """Changes a lease to one of a process that cannot be looked for from here."""
    holder = json.loads(files.read(f"{FOLDER}/{number}") or "{}")
    holder |= {"machine": "another", "host": "elsewhere", "pid": "77", **changed}
    files.write(f"{FOLDER}/{number}", json.dumps(holder))
    return dict(holder)


def test_a_lease_is_one_driver_s_until_it_is_given_back(files: CheckpointFiles) -> None:
    first = taken(files)
    with pytest.raises(LeaseTakenError, match=r"process \d+ on "):
        taken(files)
    first.release()
    assert files.names(FOLDER) == []
    taken(files).release()


def test_a_dead_process_of_this_machine_has_no_lease(files: CheckpointFiles) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    taken(files).release()
    me = json.loads(Lease(files, fail)._text())
    files.create(f"{FOLDER}/4", json.dumps({**me, "pid": str(dead.pid)}))
    lease = taken(files)
    assert files.names(FOLDER) == ["5"], "and nobody had to wait for it to run out"
    lease.release()


def test_a_process_that_has_only_the_number_of_the_holder_is_not_the_holder(
    files: CheckpointFiles,
) -> None:
    me = json.loads(Lease(files, fail)._text())
    files.create(f"{FOLDER}/1", json.dumps({**me, "started": "12"}))
    taken(files).release()


@pytest.mark.parametrize("pid", [None, "", "seven", "-1", 7.5])
def test_a_lease_without_a_sound_process_is_waited_for(files: CheckpointFiles, pid: object) -> None:
    me = json.loads(Lease(files, fail)._text())
    files.create(f"{FOLDER}/1", json.dumps({**me, "pid": pid}))
    taken(files).release()


def test_elsewhere_a_lease_that_stands_still_runs_out(
    files: CheckpointFiles, caplog: pytest.LogCaptureFixture
) -> None:
    files.create(f"{FOLDER}/1", "{}")
    seen_from_elsewhere(files, 1)
    before = time.monotonic()
    lease = taken(files)
    assert time.monotonic() - before > EXPIRY
    assert "was last used by process 77 on elsewhere; waiting up to 2 s" in caplog.text
    lease.release()


def test_elsewhere_a_lease_that_is_renewed_is_somebody_s(files: CheckpointFiles) -> None:
    files.create(f"{FOLDER}/1", "{}")
    beat = threading.Timer(0.5, lambda: seen_from_elsewhere(files, 1, beats="2"))
    seen_from_elsewhere(files, 1)
    beat.start()
    with pytest.raises(LeaseTakenError, match="process 77 on elsewhere"):
        taken(files)
    beat.join()


def test_a_lease_whose_holder_died_as_it_wrote_it_runs_out(files: CheckpointFiles) -> None:
    files.write(f"{FOLDER}/1", "{}")
    file_of(files, 1).write_text('{"its checksum": "is not there yet"}')
    taken(files).release()


def test_a_lease_is_renewed(files: CheckpointFiles) -> None:
    lease = taken(files)
    first = file_of(files, 1).read_text()
    assert eventually(lambda: file_of(files, 1).read_text() != first)
    lease.release()


def test_an_error_that_nobody_has_thought_of_does_not_end_the_renewal(
    files: CheckpointFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = taken(files)
    with monkeypatch.context() as broken:
        broken.setattr(lease, "_text", lambda: json.dumps({1, 2}))
        time.sleep(1)
    first = file_of(files, 1).read_text()
    assert eventually(lambda: file_of(files, 1).read_text() != first)
    lease.release()


@pytest.mark.parametrize("is_deleted", [True, False])
def test_a_holder_that_slept_too_long_gets_to_know_it(
    files: CheckpointFiles, is_deleted: bool
) -> None:
    told: list[str] = []
    lease = taken(files, told.append)
    files.create(f"{FOLDER}/2", "{}")
    if is_deleted:
        files.delete(f"{FOLDER}/1")
    deadline = time.monotonic() + 10
    while not told and time.monotonic() < deadline:
        time.sleep(0.1)
    assert told == [f"another driver has taken checkpoint {files.location}"]
    lease.release()
    assert "2" in files.names(FOLDER), "the other's lease is left alone"


def test_of_several_who_find_a_lease_that_is_over_one_gets_it(files: CheckpointFiles) -> None:
    files.create(f"{FOLDER}/1", "{}")
    seen_from_elsewhere(files, 1)
    won, lost = [], []

    def start() -> None:
        try:
            won.append(taken(files))
        except LeaseTakenError:
            lost.append(1)

    threads = [threading.Thread(target=start) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 4)
    won[0].release()
