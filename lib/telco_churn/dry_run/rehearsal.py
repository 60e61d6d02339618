"""Checks what a start checks, in its order, with a tick for each; then what would be read."""

from __future__ import annotations

import sys

from confluent_kafka import KafkaException

from stream_telemetry.broker.offsets import BrokerOffsets
from stream_telemetry.broker.start_positions import resume_positions
from stream_telemetry.checkpoint.logs import COMMITS, batches_in
from telco_churn.model.loading import Model
from telco_churn.query.checkpoint import Checkpoint
from telco_churn.query.cluster_checks import LEAST_MESSAGE_BYTES, checked_cluster
from telco_churn.query.preflight import prepare_kind, prepare_model, prepare_shadow
from telco_churn.query.session import session
from telco_churn.query.topic_checks import check_topics
from telco_churn.rights.missing import RightsWatch
from telco_churn.rights.needed import rights_of_job
from telco_churn.settings.job import Settings
from telco_churn.settings.resolve import described
from telco_churn.telemetry import logged_topics


def rehearse(settings: Settings) -> None:
    """Writes to standard output what was checked, what would be read, and the settings.

    Raises:
        ChurnStreamError: what a start would raise; the ticks so far are written by then.
    """
    kafka, topics, reading = settings.kafka, settings.topics, settings.reading
    _tick("the settings are understood")
    kind = prepare_kind(settings.contract, settings.model, settings.shadow)
    _tick(f"contract {kind.event.name} is understood, and has what the model reads")
    rights = rights_of_job(topics, settings.group, logged_topics(settings))
    found = check_topics(kafka, topics, rights)
    RightsWatch(kafka.client, rights, found.lacking).tell()
    _tick(f"Kafka answers at {kafka.broker}, the topics are there: {', '.join(topics.all)}")
    checkpoint = Checkpoint(settings.checkpoint.checkpoint, accepts_loss=reading.accepts_loss)
    checkpoint.check()
    beginning = None if checkpoint.has_batches() else reading
    _tick(f"checkpoint {checkpoint.files.location} can be written; {_place_of(checkpoint)}")
    with (
        session(settings.supervision.start_timeout, kafka.token_endpoint) as spark,
        checked_cluster(kafka, topics, settings.group, found, beginning) as cluster,
    ):
        _tick(f"Spark {spark.version} runs at {spark.sparkContext.master}")
        # Only compared: a dry run takes no lock and writes no identity.
        checkpoint.check_source(cluster.check_kafka())
        _tick(
            f"the checkpoint fits {topics.input_topic}, the other topics take messages of "
            f"{LEAST_MESSAGE_BYTES:,} bytes"
        )
        model = prepare_model(spark, settings.model, reading, found.partitions)
        _tick(_told(model))
        if shadow := prepare_shadow(kind, settings.shadow):
            _tick(f"shadow {shadow.manifest.version} is whole and scores too, for metrics only")
        sys.stdout.write(_to_read(settings, checkpoint))
    lines = (f"{name} = {text}\n" for name, text in described(settings).items())
    sys.stdout.write("\n" + "".join(lines))


def _place_of(checkpoint: Checkpoint) -> str:
    done = batches_in(checkpoint.files, COMMITS)
    return f"the job goes on after batch {max(done)}" if done else "the job begins anew"


def _told(model: Model) -> str:
    how = "as expressions" if model.is_compiled else "by its Spark ML stages"
    return f"model {model.manifest.version} is whole and scores, {how}"


def _to_read(settings: Settings, checkpoint: Checkpoint) -> str:
    """How many records of each partition wait for the job."""
    group, topic = settings.group.consumer_group, settings.topics.input_topic
    offsets = BrokerOffsets(topic, group, settings.kafka.client)
    begin = resume_positions(
        checkpoint.files.location, settings.reading.starting_offsets, offsets.committed
    )
    try:
        bounds = offsets.bounds()
        positions = begin(bounds)
    except KafkaException as error:
        return f"? how much is to be read is not known: {error.args[0].str()}\n"
    finally:
        offsets.close()
    waiting = {
        partition: (end - positions.get((topic, partition), 0), end)
        for (_, partition), end in sorted(bounds.ends.items())
    }
    parts = "".join(
        f"  partition {partition}: {count:,}, offsets {end - count} to {end}\n"
        for partition, (count, end) in waiting.items()
    )
    total = sum(count for count, _ in waiting.values())
    return f"\n{total:,} records of {topic} wait to be read\n{parts}"


def _tick(text: str) -> None:
    """A line for a check that has passed, at once: the next one may take long, or fail."""
    try:
        "✓".encode(sys.stdout.encoding)
        mark = "✓"
    except (LookupError, UnicodeEncodeError):
        mark = "ok"
    sys.stdout.write(f"{mark} {text}\n")
    sys.stdout.flush()
