"""Properties files, as Java reads them."""

from __future__ import annotations

import pytest

from stream_telemetry.security.java_properties import properties_in


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a=b", {"a": "b"}),
        ("a = b", {"a": "b"}),
        ("a:b", {"a": "b"}),
        ("a b", {"a": "b"}),
        ("a", {"a": ""}),
        ("  a==b", {"a": "=b"}),
        ("# a=b\n! c=d\n\ne=f", {"e": "f"}),
        ("a=b ", {"a": "b "}),
        ("a=b\r\nc=d\re=f", {"a": "b", "c": "d", "e": "f"}),
        ("a=b\\\n    c", {"a": "bc"}),
        ("a=b\\\\\nc=d", {"a": "b\\", "c": "d"}),
        (r"a\ b=c", {"a b": "c"}),
        (r"a=\u00e9\t\"\n", {"a": 'é\t"\n'}),
        ("a=1\na=2", {"a": "2"}),
        ("a=p#w=d!", {"a": "p#w=d!"}),
    ],
)
def test_a_file_is_read_as_java_reads_it(text: str, found: dict[str, str]) -> None:
    assert properties_in(text) == found
