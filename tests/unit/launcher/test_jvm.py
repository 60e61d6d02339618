from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from launcher.cache.class_archive import VARIABLE, ClassArchive
from launcher.java import chosen_java
from launcher.jvm import JobJvm, java_command, job_jvm
from launcher.spark import SPARK_HOME, spark_version
from launcher.submit.division import divide
from launcher.submit.spark_settings import read_spark_settings
from launcher.submit.surroundings import with_conf_dir
from launcher.tuning import COLLECTOR, LATE_C2, tuned


@pytest.fixture(autouse=True)
def connector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock_jars: Callable[[Path], None]
) -> Path:
    """The only jar of a connector, in a cache of the test's own."""
    monkeypatch.setenv("SANDBOX_CACHE", str(tmp_path / "the cache"))
    jar = tmp_path / "the cache" / f"spark-sql-kafka-{spark_version()}" / "a_connector-1.0.jar"
    jar.parent.mkdir(parents=True)
    jar.touch()
    lock_jars(jar.parent)
    return jar


def job(*words: str, **environment: str) -> JobJvm:
    given = with_conf_dir({VARIABLE: "use", **environment})
    return job_jvm(read_spark_settings(divide(words, {}), given))


def make_archive(*words: str, **environment: str) -> ClassArchive:
    """Makes the archive that such a job asks for: a file that no JVM could use."""
    recording = job(*words, **{**environment, VARIABLE: "record"})
    archive = ClassArchive(Path(recording.options[1]).with_suffix(""))
    archive.recording.write_text("classes")
    archive.keep()
    return archive


def test_a_job_without_an_archive_has_the_connector_on_its_class_path(connector: Path) -> None:
    jvm = job()
    assert list(jvm.options) == ["--driver-class-path", str(connector)]
    assert jvm.told == "no class archive yet"
    assert jvm.environment["SPARK_SUBMIT_OPTS"] == shlex.join(tuned([]))


def test_a_job_with_an_archive_has_its_jar_and_its_options_before_the_users_own() -> None:
    archive = make_archive()
    jvm = job(SPARK_SUBMIT_OPTS="-Dmine=1")
    assert list(jvm.options) == ["--driver-class-path", str(archive.jar)]
    assert jvm.told == "with class archive"
    options = shlex.split(jvm.environment["SPARK_SUBMIT_OPTS"])
    assert options == [*tuned([]), *archive.use(chosen_java()), "-Dmine=1"]


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (("--driver-java-options", "-Da=b -XX:+UseG1GC"), {}),
        (("--conf", "spark.driver.extraJavaOptions=-XX:+UseZGC"), {}),
        (("--conf", "spark.driver.defaultJavaOptions=-XX:+UseZGC"), {}),
        ((), {"SPARK_SUBMIT_OPTS": "-XX:+UseParallelGC"}),
        ((), {"JAVA_TOOL_OPTIONS": "-XX:+UseG1GC"}),
        ((), {"JDK_JAVA_OPTIONS": "-XX:+UseG1GC"}),
    ],
)
def test_a_job_has_one_collector_whoever_chooses_it(
    words: tuple[str, ...], environment: dict[str, str]
) -> None:
    flags = shlex.split(job(*words, **environment).environment["SPARK_SUBMIT_OPTS"])
    assert COLLECTOR not in flags
    assert set(LATE_C2) <= set(flags)


def test_the_settings_of_a_site_leave_the_archive_as_it_is(tmp_path: Path) -> None:
    archive = make_archive()
    site = tmp_path / "site"
    site.mkdir()
    (site / "spark-defaults.conf").write_text("spark.driver.memory 2g\n")
    assert job(SPARK_CONF_DIR=str(site)).options[1] == str(archive.jar)


def test_a_job_that_records_may_see_nothing_but_the_archives_jar() -> None:
    jvm = job(**{VARIABLE: "record"})
    jar = Path(jvm.options[1])
    assert jar.is_file()
    flags = shlex.split(jvm.environment["SPARK_SUBMIT_OPTS"])
    assert flags[-1] == f"-Djava.class.path={jar}"
    # Only Java's own collector writes the objects of an archive.
    assert COLLECTOR not in flags


def test_a_job_that_records_is_compiled_as_the_jobs_that_use_the_archive() -> None:
    flags = shlex.split(job(**{VARIABLE: "record"}).environment["SPARK_SUBMIT_OPTS"])
    assert set(LATE_C2) <= set(flags)


@pytest.mark.parametrize(
    ("words", "environment", "reason"),
    [
        ((), {VARIABLE: "off"}, f"{VARIABLE} is off"),
        (("--master", "spark://one:7077"), {}, "the job does not run on this machine alone"),
        (("--jars", "my.jar"), {}, "--jars is given"),
        (("--packages", "a:b:1"), {}, "--packages is given"),
        (("--conf", "spark.jars=my.jar"), {}, "spark.jars is given"),
        (("--driver-class-path", "my"), {}, "--driver-class-path is given"),
    ],
)
def test_a_job_that_can_have_no_archive_tells_why(
    words: tuple[str, ...], environment: dict[str, str], reason: str
) -> None:
    make_archive()
    jvm = job(*words, **environment)
    assert jvm.told == f"no class archive: {reason}"
    assert ".archive" not in jvm.environment.get("SPARK_SUBMIT_OPTS", "")


def test_the_jvms_of_a_cluster_are_left_to_their_site() -> None:
    assert job("--master", "spark://one:7077").environment == {}


def test_on_a_cluster_the_connector_stays_among_the_jars(connector: Path) -> None:
    make_archive()
    for master in ("spark://one:7077", "yarn"):
        assert list(job("--master", master).options) == ["--jars", str(connector)]


def test_a_users_own_class_path_comes_behind_the_connector(connector: Path) -> None:
    options = job("--driver-class-path", "/mine/*").options
    assert list(options) == ["--driver-class-path", f"{connector}:/mine/*"]


def test_a_flag_that_shapes_the_archive_wherever_it_is_given_asks_for_another_one() -> None:
    archive = make_archive()
    flag = "-XX:+UseZGC"
    others = {
        make_archive("--driver-java-options", f"-Da=b {flag}"),
        make_archive("--conf", f"spark.driver.extraJavaOptions={flag}"),
        make_archive("--conf", f"spark.driver.defaultJavaOptions={flag}"),
        make_archive(SPARK_SUBMIT_OPTS=flag),
    }
    assert len(others) == 1
    assert archive not in others
    assert job("--driver-java-options", "-Da=b -Xmx2g").options[1] == str(archive.jar)


def test_a_broker_uses_its_archive_and_only_a_long_run_records_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jar = tmp_path / "kafka.jar"
    jar.touch()
    monkeypatch.setenv(VARIABLE, "record")
    assert not [word for word in java_command([jar], [], "Tool") if ".new" in word]
    (option,) = [word for word in java_command([jar], [], "Broker", is_long=True) if ".new" in word]
    recording = Path(option.partition("=")[2])
    recording.write_text("classes")
    ClassArchive(recording.with_suffix("")).keep()
    for mode, is_used in (("use", True), ("on", True), ("off", False)):
        monkeypatch.setenv(VARIABLE, mode)
        command = java_command([jar], ["-Da=b"], "Tool")
        assert any(".archive" in word for word in command) is is_used
        assert command[-3:] == ["-cp", str(jar), "Tool"]


def test_no_archive_that_is_used_is_asked_for_again(tmp_path: Path) -> None:
    make_archive()
    before = os.listdir("/proc/self/fd")
    job(**{VARIABLE: "on"})
    # Whoever makes one later waits at the other end of a pipe.
    assert os.listdir("/proc/self/fd") == before
    assert (SPARK_HOME / "jars").is_dir()
