"""Patterns of a contract: three engines, one verdict."""

from __future__ import annotations

import re
from random import Random

import pytest
import regress
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from telco_churn.contract.patterns import body, translated

# Each holds a trap: read as it stands, Java, Python or both would say something else, or refuse it.
PATTERNS = [
    r"^[0-9]{4}-[A-Z]{5}$",
    r"^( *|[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?)$",
    r"^a$",
    r"^a\$",
    r"^a\\$",
    r"^a\\\$$",
    r"a$|b",
    r"^[$.]$",
    r"^[\]$]$",
    r"^[^$]$",
    r"^.$",
    r"^.+$",
    r"^\d$",
    r"^\D$",
    r"^\w$",
    r"^\W$",
    r"^\s$",
    r"^\S$",
    r"^[\d\s]$",
    r"^[\D]$",
    r"^[^\w\s]$",
    r"^[\S]$",
    r"^[\w-]$",
    r"^[a-]$",
    r"^[-a]$",
    r"^[+--]$",
    r"^[a&&b]$",
    r"^[a[b]$",
    r"^[[a]$",
    r"^[a^]$",
    r"^[a||~~#]$",
    r"^[]$",
    r"^[^]$",
    r"^[\b]$",
    r"^\v$",
    r"^\0$",
    r"^\cJ$",
    r"^\x41$",
    r"^\u0041$",
    r"^\u{1F600}$",
    r"^[\u{1F600}-\u{1F64F}]$",
    r"^[é-ü]$",
    r"^\/$",
    r"^(?:ab)+$",
    r"^(?=a)..$",
    r"^(?!a)..$",
    r"^(?<name>a|b)+$",
    r"^(a|b){2}$",
    r"^a{2,}$",
    r"^a{1,2}?$",
    r"^a*?$",
    r"\bab\b",
    r"\Bb",
    r"^\B$",
    r"#",
    r" ",
    r"",
]
TEXTS = [
    *("", "a", "b", "ab", "aa", "aaa", "ba", "abc", "A", "j", "$", ".", "]", "[", "\\", "-", "^"),
    *("a$", "a\\", "a\\$", "a\n", "\n", "\r", "\r\n", "\u0085", "\u2028", "\u2029", "\v", "\f"),
    *("\0", "\b", "\t", " ", "  ", "\u00a0", "\u1680", "\u2003", "\u3000", "\ufeff", "\u200b"),
    *("5", "٧", "߃", "é", "ü", "ß", "_", "é b", "éab", "😀", "😀😀", "&", "|", "~", "#", "/"),
    *("+", ",", "+5", "1.5", "1e5", "1e5\n", "7590-VHVEG", "7590-VHVEG\n", "٧590-VHVEG", "ab é"),
]
REFUSED = [
    *("(", "a)", "[a", "a++", "a{2}{3}", "*a", "^*", "a{,2}", "{", "}", "]", "a|*", "(?:"),
    *(
        r"\a",
        r"\_",
        r"\A",
        r"\z",
        r"\Qa\E",
        r"\1",
        r"\k<n>",
        r"\p{L}",
        r"\h",
        r"\00",
        "\\",
        r"\u12",
    ),
    *(r"\ud83d", r"\u{110000}", "(?i)a", "(?<=a)b", "(?<!a)b", "(?>a)", "(?#a)", "[b-a]"),
    *(r"[\w-a]", r"[a-\d]", r"[\a]", r"[\z]"),
]


def disagreements(spark: SparkSession, patterns: list[str]) -> list[tuple[object, ...]]:
    """Where Spark, Python and an engine of ECMA 262 differ, and what each says."""
    pairs = [(pattern, translated(pattern), text) for pattern in patterns for text in TEXTS]
    frame = spark.createDataFrame(pairs, "pattern string, translated string, text string")
    in_java = frame.coalesce(1).select(F.rlike("text", F.col("translated"))).collect()
    referees = {pattern: regress.Regex(pattern, "u") for pattern in patterns}
    verdicts = [
        (
            pattern,
            text,
            row[0],
            re.search(own, text) is not None,
            referees[pattern].find(text) is not None,
        )
        for (pattern, own, text), row in zip(pairs, in_java, strict=True)
    ]
    assert {verdict for *_, verdict in verdicts} == {True, False}
    return [found for found in verdicts if len(set(found[2:])) > 1]


def made_up_patterns(seed: int, count: int) -> list[str]:
    """Patterns put together by accident from the pieces of others."""
    rng = Random(seed)
    pieces = [
        *("a", "b", "ab", ".", "$", "^", r"\d", r"\w", r"\s", r"\S", r"\W", r"\$", r"\.", "[ab]"),
        *(r"[^a\n]", r"[\s\d]", r"[^\w$]", "(a|b)", "(?:a|)", "(?=a)", r"(?!b)", r"\b", r"\B", "|"),
        *(r"\n", r"[.-]", r"[$&&\]]", "é", r"\u{1F600}"),
    ]
    repeats = ("", "", "", "*", "+", "?", "{2}", "{0,2}?", "*?")
    found: list[str] = []
    while len(found) < count:
        parts = rng.choices(pieces, k=rng.randrange(1, 6))
        bare = {"$", "^", "|", r"\b", r"\B", "(?=a)", r"(?!b)"}
        found.append("".join(p if p in bare else p + rng.choice(repeats) for p in parts))
    return found


def test_spark_python_and_ecma_say_the_same_of_every_trap(spark: SparkSession) -> None:
    assert disagreements(spark, PATTERNS) == []


def test_java_and_python_say_the_same_of_patterns_that_nobody_thought_of(
    spark: SparkSession,
) -> None:
    assert disagreements(spark, made_up_patterns(seed=1, count=400)) == []


@pytest.mark.parametrize("pattern", REFUSED)
def test_a_pattern_that_the_engines_would_read_differently_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        translated(pattern)


@pytest.mark.parametrize(
    ("pattern", "inside"),
    [
        ("^[0-9]{4}-[A-Z]{5}$", r"[0-9]{4}\-[A-Z]{5}"),
        ("^(a|b)$", "(?:a|b)"),
        ("^$", ""),
        *(
            (pattern, None)
            for pattern in ("", "^", "$", "a", "^a", "a$", "^a$b$", "^a|b$", "^(a)|b$")
        ),
        *((pattern, None) for pattern in ("^.$", "^[^a]$", r"^\W$", r"^\S$", "^[ -~]$", "^[!-#]$")),
        *((pattern, None) for pattern in ('^"$', r"^\x22$", r"^\u{22}$", "^(?=a)a$", r"^\ba$")),
    ],
)
def test_what_a_pattern_has_between_its_ends_is_told_where_it_holds_no_quotation_mark(
    pattern: str, inside: str | None
) -> None:
    assert body(pattern) == inside
