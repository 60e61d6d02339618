from __future__ import annotations

import pytest

from stream_telemetry.broker.read import RecordAddress


@pytest.mark.parametrize("text", ["raw-2-77", "a-b.c_d-0-0", "7-1-2-3"])
def test_an_address_is_read_as_it_is_written(text: str) -> None:
    assert str(RecordAddress.parse(text)) == text


def test_a_topic_may_have_dashes_and_digits() -> None:
    assert RecordAddress.parse("topic-1-2-3") == ("topic-1", 2, 3)


@pytest.mark.parametrize("text", ["", "raw", "raw-2", "raw/2/77", "-2-77", "raw-2-", "raw-x-77"])
def test_a_text_of_another_form_is_no_address_of_a_record(text: str) -> None:
    with pytest.raises(ValueError, match="TOPIC-PARTITION-OFFSET"):
        RecordAddress.parse(text)
