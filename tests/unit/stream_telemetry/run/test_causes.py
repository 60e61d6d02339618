from __future__ import annotations

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from stream_telemetry.run.causes import SPARK_ERRORS, Cause, causes_of, root_cause


def thrown_by(spark: SparkSession, *kinds: str) -> Py4JJavaError:
    """What Python gets of a Java exception whose causes are of these kinds, the root last."""
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    cause = None
    for kind in reversed(kinds):
        made = jvm
        for name in kind.split("."):
            made = getattr(made, name)
        cause = made(f"of {kind}") if cause is None else made(f"of {kind}", cause)
    promise = jvm.java.util.concurrent.CompletableFuture()
    promise.completeExceptionally(cause)
    with pytest.raises(Py4JJavaError) as error:
        promise.join()
    return error.value


def test_the_causes_of_a_java_exception_are_javas_down_to_the_root(spark: SparkSession) -> None:
    error = thrown_by(spark, "java.lang.RuntimeException", "java.io.IOException")
    assert causes_of(error)[-2:] == [
        Cause("java.lang.RuntimeException", "of java.lang.RuntimeException"),
        Cause("java.io.IOException", "of java.io.IOException"),
    ]
    assert str(root_cause(error)) == "IOException: of java.io.IOException"


def test_what_pyspark_has_as_its_own_keeps_its_java_causes(spark: SparkSession) -> None:
    with pytest.raises(AnalysisException) as error:
        spark.sql("SELECT nothing_of_this_name")
    assert root_cause(error.value).name == "ExtendedAnalysisException"
    assert "nothing_of_this_name" in str(root_cause(error.value))
    assert isinstance(error.value, SPARK_ERRORS)


def test_python_causes_are_walked_up_to_the_first_one_of_java(spark: SparkSession) -> None:
    error = ValueError("ours")
    error.__cause__ = thrown_by(spark, "java.io.IOException")
    assert [cause.name for cause in causes_of(error)] == [
        "ValueError",
        "CompletionException",
        "IOException",
    ]


def test_python_errors_alone_are_told_by_the_last_of_them() -> None:
    error = ValueError("ours\nsecond line")
    assert causes_of(error) == [Cause("ValueError", "ours")]
    error.__cause__ = OSError(28, "disk full")
    assert str(root_cause(error)) == "OSError: [Errno 28] disk full"


def test_an_error_without_words_is_told_by_its_kind() -> None:
    assert str(root_cause(TimeoutError())) == "TimeoutError"


def test_a_circle_of_causes_ends() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert len(causes_of(one)) == 20


def test_a_message_is_told_as_far_as_a_line_may_go() -> None:
    assert len(root_cause(ValueError("x" * 5_000)).message) == 400
