"""What must hold before the query may start, and is looked at again when it does not get on."""

from __future__ import annotations

import logging
import re
import time
from typing import Any

from pyspark.sql import SparkSession

from stream_telemetry.run.causes import SPARK_ERRORS, root_cause
from telco_churn import LOGGER
from telco_churn.contract.settings import ContractSettings
from telco_churn.errors import ModelError, SettingsError
from telco_churn.model.features import check_features
from telco_churn.model.loading import Model, load_model, manifest_at
from telco_churn.model.manifest import Manifest
from telco_churn.model.settings import ModelSettings, ShadowSettings
from telco_churn.model.trust.model_place import ModelPlace
from telco_churn.model.try_out import MadeUpEvents, try_out
from telco_churn.query.settings import ReadSettings
from telco_churn.record.kind import RecordKind, read_kind

log = logging.getLogger(LOGGER)

OLDEST_KAFKA_CLIENTS = (3, 9, 2)
"""Below it a batch of records that expires in flight can end in another topic (CVE-2026-35554)."""
EXECUTORS_SECONDS = 30.0
"""How long a cluster that has given one executor may take for all that real-time mode needs."""
_UNKNOWN = "unknown"


def prepare_kind(
    settings: ContractSettings, model: ModelSettings, shadow: ShadowSettings
) -> RecordKind:
    """The kind of record, once it is known that the models were fitted to such events.

    It needs no session of Spark, so that what is wrong here is told before its slow start; where a
    model is at a URI, the JVM below asks Hadoop.

    Raises:
        SettingsError: the contracts cannot be used.
        ModelError: a model was fitted to others, or has no manifest that could tell.
    """
    kind = read_kind(settings.contract)
    for path in (model.model_path, shadow.shadow_model):
        if path:
            _check_fit(manifest_at(path), kind)
    return kind


def prepare_model(
    spark: SparkSession, settings: ModelSettings, reading: ReadSettings, partitions: int
) -> Model:
    """The model, once it is known that Spark can run as the settings want.

    Raises:
        SettingsError: real-time mode has too few slots, or the Kafka client is too old.
        ModelError: the model cannot be used.
    """
    if reading.trigger.is_realtime:
        check_slots(spark, partitions)
    check_kafka_clients(spark)
    warn_of_copies(spark)
    model = load_model(settings.model_path)
    warn_if_slow(model)
    return model


def prepare_shadow(kind: RecordKind, settings: ShadowSettings) -> Model | None:
    """The model that scores beside the first one; None if none is wanted.

    Raises:
        ModelError: it cannot be used, or only by the stages of its pipeline.
    """
    path = settings.shadow_model
    if path is None:
        return None
    shadow = _tried(kind, path)
    # A stage could throw at an event, or drop it.
    if not shadow.is_compiled:
        raise ModelError(
            f"model {path} (version {shadow.manifest.version}) cannot be a shadow: it is scored by "
            "its Spark ML stages, and a failure of these would be the job's; take a model whose "
            "stages are compiled (docs/models.md), or leave out --shadow-model"
        )
    return shadow


def load_another(kind: RecordKind, path: ModelPlace) -> Model:
    """Another model than the one that scores, tried on made-up events whatever it is made of.

    Raises:
        ModelError: it cannot be used, or was fitted to other events.
    """
    model = _tried(kind, path)
    warn_if_slow(model)
    return model


def _tried(kind: RecordKind, path: ModelPlace) -> Model:
    model = load_model(path)
    _check_fit(model.manifest, kind)
    features, fitted_to = model.manifest.features, model.manifest.training_distribution.categories
    known = {name: fitted_to.get(name, ()) for name in features.categories}
    try:
        try_out(model.scorer, MadeUpEvents(features, known))
    except SPARK_ERRORS as error:
        raise ModelError(f"model {path} does not score: {root_cause(error)}") from error
    return model


def _check_fit(manifest: Manifest, kind: RecordKind) -> None:
    label = kind.label.name if kind.label else None
    check_features(manifest.features, kind.event, label)


def warn_if_slow(model: Model) -> None:
    """Tells the log of a model that is scored by its stages."""
    if not model.is_compiled:
        log.warning(
            "model %s is scored by its Spark ML stages, which takes longer: one of them is of a "
            "kind, or has a setting, that is not compiled",
            model.manifest.version,
        )


def warn_of_copies(spark: SparkSession) -> None:
    """Tells the log of tasks that Spark may run twice; with a local master it runs none twice."""
    context = spark.sparkContext
    is_local = context._jsc.sc().isLocal()
    if not is_local and context.getConf().get("spark.speculation") == "true":
        log.warning(
            "spark.speculation is on: of a task that runs twice both copies write, so its records "
            "may come twice; the metrics count them once; --conf spark.speculation=false turns it "
            "off"
        )


def check_slots(spark: SparkSession, partitions: int) -> None:
    """Real-time mode runs one task for each partition, all the time; too few slots read only some.

    Raises:
        SettingsError: there are fewer slots than partitions.
    """
    context = spark.sparkContext
    # Executors come one after the other.
    patience = 0.0 if context._jsc.sc().isLocal() else EXECUTORS_SECONDS
    deadline = time.monotonic() + patience
    while (slots := context.defaultParallelism) < partitions and time.monotonic() < deadline:
        time.sleep(0.2)
    if slots < partitions:
        raise SettingsError(
            f"real-time mode needs a slot for each partition: the input topic has "
            f"{partitions}, Spark has {slots}; set --master local[{partitions + 1}] or more cores"
        )


def check_kafka_clients(spark: SparkSession) -> None:
    """Asks which Kafka client the executors have; the job writes to two topics by one of them.

    Raises:
        SettingsError: it is too old, or does not say.
    """
    is_local = spark.sparkContext._jsc.sc().isLocal()
    ensure_new_enough(_version_here(spark) if is_local else _version_of_executor(spark))


def _version_here(spark: SparkSession) -> str:
    """Of this JVM, which is the executors' too; without the second that a job of Spark takes."""
    jvm: Any = spark.sparkContext._jvm
    try:
        return str(jvm.org.apache.kafka.common.utils.AppInfoParser.getVersion())
    # Py4J takes a class that is missing for a package, which cannot be called.
    except (*SPARK_ERRORS, TypeError):
        return _UNKNOWN


def _version_of_executor(spark: SparkSession) -> str:
    asked = "java_method('org.apache.kafka.common.utils.AppInfoParser', 'getVersion')"
    try:
        row = spark.sql(f"SELECT {asked} AS version").first()
    except SPARK_ERRORS:
        return _UNKNOWN
    return str(row.version) if row else _UNKNOWN


def ensure_new_enough(version: str) -> None:
    """Compares the version of kafka-clients with the oldest that is safe.

    Raises:
        SettingsError: it is older, or no version.
    """
    oldest = ".".join(map(str, OLDEST_KAFKA_CLIENTS))
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    if numbers is None or tuple(map(int, numbers.groups())) < OLDEST_KAFKA_CLIENTS:
        raise SettingsError(
            f"kafka-clients {version} is on Spark's class path; below {oldest} it can write a "
            "record to the wrong topic (CVE-2026-35554): take the connector that belongs to this "
            "Spark, and no older jar beside it"
        )
