"""What becomes of a record does not depend on what a site sets: Spark, Java, locale, time zone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from job import HOME
from mutations import messages

from churn_tools.customers.broken import (
    BORDERLINE_KINDS,
    BROKEN_KINDS,
    borderline_records,
    broken_records,
)

HOSTILE = {
    "spark.sql.ansi.enabled": "false",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.ansi.enforceReservedKeywords": "true",
    "spark.sql.caseSensitive": "true",
    "spark.sql.chunkBase64String.enabled": "true",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.columnNameOfCorruptRecord": "customerID",
    "spark.sql.datetime.java8API.enabled": "true",
    "spark.sql.function.concatBinaryAsString": "true",
    "spark.sql.icu.caseMappings.enabled": "false",
    "spark.sql.json.enableExactStringParsing": "false",
    "spark.sql.json.enablePartialResults": "false",
    "spark.sql.json.useUnsafeRow": "true",
    "spark.sql.jsonGenerator.ignoreNullFields": "false",
    "spark.sql.jsonGenerator.writeNullIfWithDefaultValue": "false",
    "spark.sql.legacy.createEmptyCollectionUsingStringType": "true",
    "spark.sql.legacy.json.allowEmptyString.enabled": "true",
    "spark.sql.legacy.sizeOfNull": "false",
    "spark.sql.legacy.timeParserPolicy": "LEGACY",
    "spark.sql.legacy.truncateForEmptyRegexSplit": "true",
    "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.ConstantFolding",
    "spark.sql.parser.escapedStringLiterals": "true",
    "spark.sql.parser.quotedRegexColumnNames": "true",
    "spark.sql.session.timeZone": "America/New_York",
    "spark.sql.storeAssignmentPolicy": "LEGACY",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.variant.validateUnicodeInJsonParsing": "false",
    "spark.driver.extraJavaOptions": "-Duser.language=tr -Duser.region=TR",
}
ENVIRONMENT = {"LC_ALL": "C", "TZ": "America/New_York"}


def sent(count: int) -> list[tuple[bytes | None, bytes | None]]:
    """Each class of bad input, odd but valid events, and `count` mutated ones."""
    return [
        *((r.key, r.value) for r in islice(broken_records(1), len(BROKEN_KINDS))),
        *((r.key, r.value) for r in islice(borderline_records(1), len(BORDERLINE_KINDS))),
        (None, b"\0\0\0\0\7{}"),
        *((b"key", value) for value in islice(messages(2), count)),
    ]


def outputs(
    directory: Path, name: str, source: Path, settings: dict[str, str], environment: dict[str, str]
) -> list[str]:
    """What the plan writes in a JVM of its own, a line for each record."""
    usual = {
        "spark.master": "local[1]",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
    }
    site = directory / name
    site.mkdir()
    lines = (f"{key} {value}\n" for key, value in {**usual, **settings}.items())
    (site / "spark-defaults.conf").write_text("".join(lines))
    path = os.pathsep.join(str(HOME / folder) for folder in ("lib", "tests"))
    out = directory / f"{name}.out"
    finished = subprocess.run(
        [sys.executable, str(HOME / "tests" / "hostile_program.py"), str(source), str(out)],
        env={
            **os.environ,
            **environment,
            "SPARK_CONF_DIR": str(site),
            "PYTHONPATH": path,
            # As for the job, in tests/integration/job.py.
            "SPARK_SUBMIT_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        },
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert finished.returncode == 0, finished.stderr
    return out.read_text("ascii").split("\n")


@pytest.mark.parametrize("count", [60, pytest.param(5_000, marks=pytest.mark.slow)])
def test_verdicts_and_written_bytes_are_the_same_whatever_a_site_sets(
    tmp_path: Path, count: int
) -> None:
    source = tmp_path / "records.json"
    in_hex = [[None if v is None else v.hex() for v in pair] for pair in sent(count)]
    source.write_text(json.dumps(in_hex), "ascii")
    usual = outputs(tmp_path, "usual", source, {}, {"LC_ALL": "C.UTF-8", "TZ": "UTC"})
    hostile = outputs(tmp_path, "hostile", source, HOSTILE, ENVIRONMENT)
    assert len(usual) > count
    assert {line[:13] for line in usual} == {'["predictions', '["dead letter'}
    for ours, theirs in zip(usual, hostile, strict=True):
        assert ours == theirs
