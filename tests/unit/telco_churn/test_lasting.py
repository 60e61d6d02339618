from __future__ import annotations

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.ml.feature import StringIndexer
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from stream_telemetry.run.causes import Cause, causes_of
from telco_churn.lasting import LASTING, PAGE, REFUSED_RECORD, lasting_among, page_with_table

KAFKA = "org.apache.kafka.common"


def found_in(*causes: tuple[str, str]) -> str | None:
    found = lasting_among([Cause(*cause) for cause in causes])
    return found[0].what if found else None


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("errors.TopicAuthorizationException", "a user who may not"),
        ("errors.GroupAuthorizationException", "a user who may not"),
        ("errors.SaslAuthenticationException", "a login or certificate"),
        ("errors.RecordTooLargeException", "larger than Kafka takes"),
        ("InvalidRecordException", "a record that Kafka refuses"),
        ("errors.UnsupportedVersionException", "of another version"),
        ("errors.SerializationException", "bytes that cannot be"),
        ("config.ConfigException", "a setting that Kafka's client does not take"),
        ("errors.UnknownTopicOrPartitionException", "a topic that is not there"),
    ],
)
def test_the_root_decides_whatever_is_wrapped_around_it(name: str, what: str) -> None:
    root = (f"{KAFKA}.{name}", "why")
    wrapped = ("org.apache.spark.SparkException", "Job aborted due to stage failure: Task 0 in")
    assert what in (found_in(wrapped, root) or "")
    # From an executor that could not send the exception itself.
    as_text = f"Job aborted: Lost task 0.1 (TID 1) (10.0.0.7 executor 1): {root[0]}: {root[1]}"
    assert what in (found_in(("org.apache.spark.SparkException", as_text)) or "")


@pytest.mark.parametrize(
    "cause",
    [
        (f"{KAFKA}.errors.TimeoutException", "Expiring 2 record(s) for c-0:6015 ms has passed"),
        (f"{KAFKA}.errors.NotEnoughReplicasException", "Messages are rejected"),
        (f"{KAFKA}.errors.DisconnectException", ""),
        ("java.io.IOException", "No space left on device"),
        # What a record says about itself is no cause.
        ("java.lang.IllegalStateException", f"value {KAFKA}.errors.RecordTooLargeException"),
        ("org.apache.spark.SparkException", "Unseen label: RecordTooLargeException"),
    ],
)
def test_what_can_pass_is_no_lasting_cause(cause: tuple[str, str]) -> None:
    assert found_in(cause) is None


@pytest.mark.parametrize("value", ["value % (value - value)", "cast(concat('x', value) as int)"])
def test_a_function_that_throws_in_a_real_query_lasts(
    spark: SparkSession, tmp_path: object, value: str
) -> None:
    error = failure_of(spark, f"{tmp_path}/a", F.expr(value))
    found = lasting_among(causes_of(error))
    assert found is not None
    assert "a function of the plan that throws" in found[0].what


def test_so_does_a_model_that_refuses_a_value(spark: SparkSession, tmp_path: object) -> None:
    rows = spark.createDataFrame([("a",)], ["text"])
    model = StringIndexer(inputCol="text", outputCol="i", handleInvalid="error").fit(rows)
    stream = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).load()
    texts = stream.select(F.col("value").cast("string").alias("text"))
    with pytest.raises(StreamingQueryException) as raised:
        run(model.transform(texts), f"{tmp_path}/b")
    assert lasting_among(causes_of(raised.value)) is not None


def failure_of(spark: SparkSession, checkpoint: str, value: Column) -> StreamingQueryException:
    stream = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).load()
    with pytest.raises(StreamingQueryException) as raised:
        run(stream.select(value), checkpoint)
    return raised.value


def run(stream: DataFrame, checkpoint: str) -> None:
    writer = stream.writeStream.format("noop").option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start().awaitTermination()


def test_the_page_has_the_table_as_it_is() -> None:
    page = PAGE.read_text("utf-8")
    assert page_with_table(page) == page
    assert all(kind.what in page for kind in LASTING)
    assert REFUSED_RECORD.remedy in page
