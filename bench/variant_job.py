"""The job with one thing changed: `spark-submit bench/variant_job.py [what] JOB_OPTIONS`.

`--default-producer` leaves the Kafka client's own producer settings as they are; `--passthrough`
writes each record as it was read, which is as fast as Spark can go between two topics.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from pyspark.sql import functions as F

from telco_churn import run
from telco_churn.query import source_and_sink
from telco_churn.query.session import start_session
from telco_churn.settings.resolve import read_settings


def pass_through(arguments: Sequence[str]) -> None:
    """Copies the input topic to the output topic, read and written as the job does it."""
    settings = read_settings(arguments, os.environ)
    spark = start_session(limit=600)
    kafka, topics, reading = settings.kafka, settings.topics, settings.reading
    ends = source_and_sink.KafkaEnds(kafka, topics, reading, settings.group, settings.checkpoint)
    target = F.lit(topics.output_topic).alias("topic")
    copied = ends.read(spark).select("key", "value", target, "headers")
    ends.write(copied).start().awaitTermination()
    spark.stop()


def main() -> None:
    """Runs the variant that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--passthrough", action="store_true")
    parser.add_argument("--default-producer", action="store_true")
    variant, arguments = parser.parse_known_args()
    if variant.default_producer:
        # Not a setting, so that nobody has to think about it; only here it is of interest.
        source_and_sink._BATCHED_PRODUCER.clear()
    (pass_through if variant.passthrough else run.main)(arguments)


if __name__ == "__main__":
    main()
