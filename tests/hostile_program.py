"""Runs odd records through the plan under the settings of a site, and writes what becomes of them.

`python hostile_program.py RECORDS OUT`: its environment says what the site sets.
"""

from __future__ import annotations

import datetime
import json
import re
import sys
from pathlib import Path

from churn_kind import CHURN
from pyspark.sql import Row, SparkSession

from telco_churn.contract.parser import EventParser
from telco_churn.model.loading import load_model
from telco_churn.outcome.counted import make_observation
from telco_churn.outcome.routing import Routes
from telco_churn.outcome.watched_model import make_counting
from telco_churn.paths import project_home
from telco_churn.pipeline import ChurnPipeline
from telco_churn.query.session import SQL_SETTINGS

SCHEMA = (
    "key binary, value binary, topic string, partition int, offset bigint, timestamp timestamp, "
    "headers array<struct<key:string,value:binary>>"
)
# What the clocks say is left out, but not the form in which it is said.
CLOCKS = re.compile(
    r'("(?:failed_ts|processed_ts)":")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z")'
    r'|("inference_latency_ms":)[0-9.E-]+'
)


def records(source: Path) -> list[tuple[object, ...]]:
    """Keys and values of a file, in hex and JSON, as the source gives them."""
    at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    headers = [("odd", bytearray(b"\xff")), ("retry_count", bytearray(b"3"))]
    return [
        (
            *(None if v is None else bytearray.fromhex(v) for v in pair),
            "raw",
            0,
            n,
            at,
            headers if n % 5 == 0 else None,
        )
        for n, pair in enumerate(json.loads(source.read_text("ascii")))
    ]


def in_hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def written(row: Row) -> str:
    """What is written for a record, as text; bytes of keys and headers in hex."""
    headers = [
        (header.key, in_hex(header.value)) for header in row.headers if header.key != "latency_ms"
    ]
    value = CLOCKS.sub(lambda found: (found[1] or found[3]) + "…", row.value)
    return json.dumps([row.topic, in_hex(row.key), value, headers])


def main(source: Path, out: Path) -> None:
    """Writes a line for each record."""
    spark = SparkSession.builder.config(map=SQL_SETTINGS).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    parser = EventParser(CHURN.event)
    model = load_model(project_home() / "models" / "churn")
    routes = Routes("predictions", "dead letters", "group")
    counting = make_counting(model.manifest, CHURN.label)
    observation = make_observation(parser.fields, counting)
    pipeline = ChurnPipeline(CHURN, parser, model, routes, observation)
    frame = spark.createDataFrame(records(source), SCHEMA).coalesce(1).cache()
    frame.count()
    lines = [written(row) for row in pipeline.transform(frame).collect()]
    out.write_text("\n".join(lines), "ascii")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
