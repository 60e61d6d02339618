"""What the JVM's logging makes of a line: `conf/log4j2.properties`, in a JVM of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from job import HOME

PROGRAM = r"""
from pyspark.java_gateway import launch_gateway

jvm = launch_gateway().jvm
log4j = jvm.org.apache.logging.log4j
log = log4j.LogManager.getLogger("a.logger")
context = log4j.ThreadContext
log.info("not heard")
log.warn('plain "quoted" back\\slash, {brace}=1')
context.put("BATCH_ID", "3")
context.put("ODD", 'a, b = {"c"}')
log.fatal("two\nlines of \u00e9\u2028\x1b[31m")
context.clearMap()
log.error("bad", jvm.java.lang.IllegalStateException('in "side"'))
log.error("x" * 30_000)
jvm.java.lang.System.exit(0)
"""


def logged(directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the program; a JVM that ends by itself is an error to it, which is passed over."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "SPARK_CONF_DIR": str(HOME / "conf"), "LC_ALL": "C", **environment},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
    )


def ours(text: str) -> list[str]:
    """The program's lines; Spark warns of this and that as it starts."""
    return [line for line in text.split("\n") if '"logger": "a.logger"' in line]


def without_texts(line: str) -> str:
    """Braces, colons, commas and blanks."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', line)


def check(lines: list[str]) -> None:
    """That these are the program's lines, in the form that ours have."""
    plain, odd, bad, long = map(json.loads, lines)
    assert [entry["level"] for entry in (plain, odd, bad, long)] == [
        *("WARNING", "CRITICAL", "ERROR", "ERROR")
    ]
    assert plain["message"] == 'plain "quoted" back\\slash, {brace}=1'
    assert (plain["logger"], plain["context"]) == ("a.logger", {})
    assert odd["message"] == "two\nlines of é\u2028\x1b[31m"
    assert odd["context"] == {"BATCH_ID": "3", "ODD": 'a, b = {"c"}'}
    assert bad["exc_info"].startswith('java.lang.IllegalStateException: in "side"')
    assert "exc_info" not in plain
    assert len(long["message"]) < 20_010
    for line, entry in zip(lines, (plain, odd, bad, long), strict=True):
        assert without_texts(line) == without_texts(json.dumps(entry))


def test_the_jvm_speaks_the_words_and_the_form_of_our_lines(tmp_path: Path) -> None:
    logged(tmp_path, CHURN_STREAM_LOG_DIR=str(tmp_path / "logs"))
    file = tmp_path / "logs" / "spark.log"
    check(ours(file.read_text("utf-8")))
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_jvms_lines_are_for_a_group_where_ours_are(tmp_path: Path) -> None:
    logged(tmp_path, CHURN_STREAM_LOG_PERMISSIONS="rw-r-----")
    assert (tmp_path / "logs" / "spark.log").stat().st_mode & 0o777 == 0o640


def test_beside_standard_output_the_jvms_lines_go_to_standard_error(tmp_path: Path) -> None:
    result = logged(tmp_path, CHURN_STREAM_LOG_DIR="-")
    check(ours(result.stderr))
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []
