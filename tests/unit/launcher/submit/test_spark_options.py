from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from launcher.submit.spark_options import options_in, spark_options


def test_the_known_options_are_those_of_sparks_own_parser(spark: SparkSession) -> None:
    jvm, gateway = spark.sparkContext._jvm, spark.sparkContext._gateway
    assert jvm is not None
    assert gateway is not None
    parsers = jvm.java.lang.Class.forName("org.apache.spark.launcher.SparkSubmitOptionParser")
    constructor = parsers.getDeclaredConstructor(gateway.new_array(jvm.java.lang.Class, 0))
    constructor.setAccessible(True)
    parser = constructor.newInstance(gateway.new_array(jvm.java.lang.Object, 0))
    expected: dict[str, bool] = {}
    for array, has_value in (("opts", True), ("switches", False)):
        field = parsers.getDeclaredField(array)
        field.setAccessible(True)
        expected |= {name: has_value for names in field.get(parser) for name in names}
    assert spark_options() == expected
    assert len(expected) > 30


def test_a_java_class_that_holds_no_options_is_refused() -> None:
    empty = b"\xca\xfe\xba\xbe" + b"\0\0\0\x3d" + b"\0\x01"
    with pytest.raises(ValueError, match="no field opts"):
        options_in(empty)
