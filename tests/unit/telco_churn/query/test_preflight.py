from __future__ import annotations

import pytest

from telco_churn.errors import SettingsError
from telco_churn.query.preflight import ensure_new_enough


@pytest.mark.parametrize("version", ["3.9.2", "3.10.0", "4.0.0", "3.9.2-ccs"])
def test_a_kafka_client_that_is_new_enough(version: str) -> None:
    ensure_new_enough(version)


@pytest.mark.parametrize("version", ["3.9.1", "2.8.2", "unknown", ""])
def test_a_kafka_client_that_could_write_to_the_wrong_topic_is_refused(version: str) -> None:
    with pytest.raises(SettingsError, match=f"kafka-clients {version}.* below 3.9.2 .*CVE-2026"):
        ensure_new_enough(version)
