from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from launcher.cache.class_archive import (
    VARIABLE,
    ClassArchive,
    Mode,
    archive_for,
    directory,
    mode_of,
    remove_old,
    shaping,
    write_jar,
)
from launcher.errors import LaunchError
from launcher.java import Java, choose_java
from launcher.spark import SPARK_HOME, spark_jars

JARS = [*spark_jars("spark-launcher_2.13"), *spark_jars("scala-library")]
# A Java program that comes with Spark, needs no Spark, and prints a command.
MAIN = ("org.apache.spark.launcher.Main", "org.apache.spark.deploy.SparkSubmit", "job.py")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_CACHE", str(tmp_path))


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[Java, ClassArchive]:
    """An archive for the Java that comes along, and for each one of this machine."""
    homes = sorted({path.resolve().parents[1] for path in Path("/usr/lib/jvm").glob("*/bin/java")})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SANDBOX_CACHE", str(tmp_path_factory.mktemp("cache with a blank")))
        javas = [choose_java({}), *(choose_java({"JAVA_HOME": str(home)}) for home in homes)]
        return {java: recorded(java) for java in javas}


@pytest.fixture
def made() -> ClassArchive:
    """An archive of no Java."""
    archive = ClassArchive(directory() / "job-1")
    directory().mkdir()
    archive.recording.write_bytes(bytes(range(256)) * 100)
    archive.keep()
    return archive


def recorded(java: Java) -> ClassArchive:
    archive = archive_for("job", java, JARS, ())
    options = archive.record(java)
    write_jar(archive.jar, JARS)
    result = printed(java, str(archive.jar), *options)
    assert result.returncode == 0, result.stdout + result.stderr
    archive.keep()
    return archive


def printed(
    java: Java, class_path: str, *options: str, log: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """What the program prints; `log` gets a line for each class, with the place it came from."""
    logging = [f"-Xlog:class+load:file={log}"] if log else []
    command = [str(java.program), *options, *logging, "-cp", class_path, *MAIN]
    environment = {**os.environ, "SPARK_HOME": str(SPARK_HOME), "SPARK_SCALA_VERSION": "2.13"}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def is_from_archive(log: Path) -> bool:
    (place,) = re.findall(r"org\.apache\.spark\.launcher\.Main source: (.*)", log.read_text())
    return "shared objects file" in place


def test_every_java_of_this_machine_loads_from_what_it_has_recorded(
    archives: dict[Java, ClassArchive], tmp_path: Path
) -> None:
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "metrics.properties").touch()
    # What Spark puts behind the class path that it is given.
    behind = f"{tmp_path}/settings:{SPARK_HOME}/jars/*"
    log = tmp_path / "load.log"
    for java, archive in archives.items():
        assert archive.is_made
        result = printed(java, f"{archive.jar}:{behind}", *archive.use(java), log=log)
        assert is_from_archive(log), java
        assert result.stdout == printed(java, behind).stdout
        assert result.stderr == ""


def test_an_archive_that_may_only_be_read_is_used(
    archives: dict[Java, ClassArchive], tmp_path: Path
) -> None:
    java, archive = next(iter(archives.items()))
    for path in (archive.file, archive.jar, archive.stem.with_suffix(".seal")):
        path.chmod(0o444)
    archive.stem.parent.chmod(0o555)
    log = tmp_path / "load.log"
    assert printed(java, str(archive.jar), *archive.use(java), log=log).returncode == 0
    assert is_from_archive(log)
    archive.stem.parent.chmod(0o755)


def test_every_java_passes_over_an_archive_that_it_cannot_use_and_says_nothing(
    archives: dict[Java, ClassArchive], made: ClassArchive, tmp_path: Path
) -> None:
    class_path = ":".join(map(str, JARS))
    log = tmp_path / "load.log"
    unmade = ClassArchive(tmp_path / "nothing")
    for java in archives:
        expected = printed(java, class_path).stdout
        foreign = [other for owner, other in archives.items() if owner != java]
        for archive in (*foreign, made, unmade):
            result = printed(java, class_path, *archive.use(java), log=log)
            assert (result.stdout, result.stderr) == (expected, "")
            assert not is_from_archive(log)


def test_no_java_asks_for_the_archive_of_another(archives: dict[Java, ClassArchive]) -> None:
    assert len(set(archives.values())) == len(archives)


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def scribble(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(b"XXXXXXXX")
    os.utime(file, (1, 1))  # as any moment but that of its making


# Java 17 dies of an archive that is cut off, 25 of one that is scribbled on.
@pytest.mark.parametrize("damage", [cut, empty, scribble, Path.unlink])
def test_a_damaged_archive_counts_as_not_made(
    made: ClassArchive, damage: Callable[[Path], None]
) -> None:
    assert made.is_made
    damage(made.file)
    assert not made.is_made


def test_an_archive_that_was_never_sealed_counts_as_not_made(made: ClassArchive) -> None:
    made.stem.with_suffix(".seal").unlink()
    assert not made.is_made


def test_another_jar_order_java_or_flag_asks_for_another_archive(tmp_path: Path) -> None:
    chosen = choose_java({})
    jars = [tmp_path / "a.jar", tmp_path / "b.jar"]
    for jar in jars:
        jar.write_bytes(b"1")

    def name(
        java: Java = chosen, jars: list[Path] = jars, flags: tuple[str, ...] = (), kind: str = "job"
    ) -> str:
        return archive_for(kind, java, jars, flags).stem.name

    names = [
        name(),
        name(jars=jars[::-1]),
        name(jars=jars[:1]),
        name(kind="broker"),
        name(java=replace(chosen, version="25.0.9")),
        name(java=replace(chosen, program=tmp_path / "bin" / "java")),
        name(flags=("-XX:+UseZGC",)),
    ]
    jars[0].write_bytes(b"12")
    names.append(name())
    os.utime(jars[1], (1, 1))
    names.append(name())
    assert len(set(names)) == len(names)
    assert name() == names[-1]


def test_flags_that_an_archive_does_not_depend_on_ask_for_no_other() -> None:
    free = "-Xmx4g -Dlog=x -XX:+UseSerialGC -XX:+UseParallelGC -XX:+UseG1GC -XX:TieredStopAtLevel=1"
    bound = "-XX:+UseZGC -XX:-UseCompressedOops -XX:+UseCompactObjectHeaders --add-modules=a.b"
    assert shaping([*free.split(), *bound.split()]) == bound.split()


def test_a_long_class_path_in_the_form_of_a_jar_is_the_same_class_path(tmp_path: Path) -> None:
    java = choose_java({})
    jars = sorted((SPARK_HOME / "jars").glob("*.jar"))
    write_jar(tmp_path / "all.jar", jars)
    result = printed(java, str(tmp_path / "all.jar"))
    assert result.stdout == printed(java, ":".join(map(str, jars))).stdout != ""
    assert result.stderr == ""


def aged(kind: str, number: int, days: float) -> ClassArchive:
    archive = ClassArchive(directory() / f"{kind}-{number}")
    archive.stem.parent.mkdir(exist_ok=True)
    for path in (archive.file, archive.jar, archive.stem.with_suffix(".seal")):
        path.write_text("")
        os.utime(path, (then := time.time() - days * 24 * 3600, then))
    return archive


def test_those_that_nobody_uses_are_removed() -> None:
    jobs = [aged("job", number, days=number) for number in range(5)]
    brokers = [aged("broker", number, days=days) for number, days in enumerate((20, 40))]
    os.utime(jobs[4].stem.with_suffix(".seal"))  # as its use does
    remove_old()
    left = {path.stem for path in directory().iterdir()}
    assert left == {archive.stem.name for archive in (jobs[0], jobs[1], jobs[4], brokers[0])}


def test_an_archive_that_is_used_stays() -> None:
    archive = aged("job", 1, days=40)
    archive.use(choose_java({}))
    remove_old()
    assert archive.file.exists()


def test_an_environment_that_says_nothing_wants_archives() -> None:
    assert mode_of({}) is mode_of({VARIABLE: ""}) is Mode.ON
    assert mode_of({VARIABLE: "off"}) is Mode.OFF


def test_a_mode_that_there_is_not_is_refused() -> None:
    with pytest.raises(LaunchError, match=f"{VARIABLE} is 'no'; set it to on, use or off"):
        mode_of({VARIABLE: "no"})
