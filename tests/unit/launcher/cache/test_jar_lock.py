"""The lock of the jars: what it says, and what is refused by it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from launcher.cache.jar_lock import LOCK, check_jars, file_name, locked_jars, sha512
from launcher.errors import LaunchError
from launcher.spark import spark_version
from sandbox.kafka.kafka_jars import KAFKA


@pytest.fixture
def jars(tmp_path: Path, lock_jars: Callable[[Path], None]) -> Path:
    directory = tmp_path / "tools-1.0"
    directory.mkdir()
    (directory / "org.a_a-1.0.jar").write_bytes(b"a")
    (directory / "org.b_b-1.0.jar").write_bytes(b"b")
    lock_jars(directory)
    return directory


def complaint(jars: Path) -> str:
    with pytest.raises(LaunchError) as refused:
        check_jars(jars, locked_jars(jars.name), "do this")
    line = str(refused.value)
    assert refused.value.exit_code == 2
    assert "\n" not in line
    assert line.endswith("; do this")
    return line


def test_the_locked_jars_pass_and_other_files_do_not_count(jars: Path) -> None:
    (jars / "notes.txt").touch()
    check_jars(jars, locked_jars("tools-1.0"), "do this")


def test_a_jar_of_other_contents_is_named_with_both_sums(jars: Path) -> None:
    path = jars / "org.b_b-1.0.jar"
    before = path.stat()
    path.write_bytes(b"B")
    # Of the same size and, as after a copy, of the same age.
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    line = complaint(jars)
    assert str(path) in line
    assert hashlib.sha512(b"B").hexdigest()[:12] in line
    assert hashlib.sha512(b"b").hexdigest()[:12] in line


def test_a_jar_that_nobody_named_is_refused(jars: Path) -> None:
    (jars / "org.c_c-1.0.jar").touch()
    assert "org.c_c-1.0.jar is not among the jars that jars.lock names" in complaint(jars)


def test_a_jar_that_is_gone_is_named(jars: Path) -> None:
    (jars / "org.a_a-1.0.jar").unlink()
    assert "org.a_a-1.0.jar is not there, but jars.lock names it" in complaint(jars)


def test_a_jar_that_cannot_be_read_is_one_line(jars: Path) -> None:
    (jars / "org.a_a-1.0.jar").unlink()
    (jars / "org.a_a-1.0.jar").mkdir()
    assert "a jar cannot be read" in complaint(jars)


def test_a_set_that_the_lock_does_not_know_and_a_lock_that_is_broken_are_one_line(
    tmp_path: Path,
) -> None:
    with pytest.raises(LaunchError, match=r"names no jars for other-2\.0, so none are fetched"):
        locked_jars("other-2.0")
    for broken in ("[", '"tools-1.0" = 3'):
        (tmp_path / "broken.lock").write_text(broken)
        with pytest.raises(LaunchError, match=r"restore it by git checkout|names no jars"):
            locked_jars("tools-1.0", tmp_path / "broken.lock")
    with pytest.raises(LaunchError, match="restore it by git checkout"):
        locked_jars("tools-1.0", tmp_path / "nowhere.lock")


def test_the_lock_names_what_a_start_fetches_and_nothing_else() -> None:
    sets = re.findall(r'^\["(.+)"\]$', LOCK.read_text(), re.MULTILINE)
    assert sorted(sets) == sorted([KAFKA.directory, f"spark-sql-kafka-{spark_version()}"])
    for directory in sets:
        locked = locked_jars(directory)
        assert {len(digest) for digest in locked.values()} == {128}
    assert {file_name(package) for package in KAFKA.packages} <= locked_jars(KAFKA.directory).keys()


def test_coordinates_become_the_name_that_sparks_resolver_gives() -> None:
    assert file_name("org.bitbucket.b_c:jose4j:0.9.6") == "org.bitbucket.b_c_jose4j-0.9.6.jar"
    assert file_name("org.apache.kafka:kafka_2.13:4.3.1") == "org.apache.kafka_kafka_2.13-4.3.1.jar"


def test_a_sum_is_taken_anew_when_a_file_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.jar"
    path.write_bytes(b"a")
    assert sha512(path) == hashlib.sha512(b"a").hexdigest()
    path.write_bytes(b"aa")
    assert sha512(path) == hashlib.sha512(b"aa").hexdigest()
