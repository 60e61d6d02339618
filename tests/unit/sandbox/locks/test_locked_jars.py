from __future__ import annotations

from pathlib import Path

from launcher.cache.jar_lock import file_name
from sandbox.locks.locked_jars import resolved


def test_coordinates_are_read_from_the_resolvers_own_cache(tmp_path: Path) -> None:
    for path in (
        "org.bitbucket.b_c/jose4j/jars/jose4j-0.9.6.jar",
        "org.apache.kafka/kafka_2.13/jars/kafka_2.13-4.3.1.jar",
        "org.xerial.snappy/snappy-java/bundles/snappy-java-1.1.10.7.jar",
    ):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    (tmp_path / "resolved.properties").touch()
    found = resolved(tmp_path)
    assert found == {
        "org.bitbucket.b_c:jose4j:0.9.6",
        "org.apache.kafka:kafka_2.13:4.3.1",
        "org.xerial.snappy:snappy-java:1.1.10.7",
    }
    assert "org.bitbucket.b_c_jose4j-0.9.6.jar" in {file_name(one) for one in found}
