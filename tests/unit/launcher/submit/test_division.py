from __future__ import annotations

import pytest

from launcher.submit.division import Division, divide
from telco_churn.errors import SettingsError

OWN = {"--help": False, "--sandbox": False, "--rate": True}


def test_each_word_goes_to_whose_option_it_is_in_its_order() -> None:
    words = (
        *("--master", "local[2]", "--broker", "a:1", "--conf", "spark.a=b c", "--sandbox"),
        *("--trigger=once", "--conf=spark.d=e", "--verbose", "--dry-run", "--rate", "5"),
        *("--config", "x.toml"),
    )
    assert divide(words, OWN) == Division(
        own=("--sandbox", "--rate", "5"),
        job=("--broker", "a:1", "--trigger=once", "--dry-run", "--config", "x.toml"),
        spark=(
            ("--master", "local[2]"),
            ("--conf", "spark.a=b c"),
            ("--conf", "spark.d=e"),
            ("--verbose", None),
        ),
    )


def test_sparks_options_become_words_again() -> None:
    words = ["--conf", "spark.a= b", "--verbose", "-c", "spark.d=e"]
    assert divide(words, {}).spark_words == words


def test_a_value_may_look_like_an_option_of_nobody() -> None:
    words = ["--driver-java-options", "-Da=b", "--driver-java-options", "--add-opens=x/y=ALL"]
    assert divide(words, {}).spark_words == words
    assert divide(["--starting-offsets", '{"t":{"0":-2}}'], {}).job[1] == '{"t":{"0":-2}}'


def test_after_two_dashes_all_is_the_jobs() -> None:
    division = divide(["--verbose", "--", "--broker", "a:1", "--", "--master", "x"], OWN)
    assert division.spark == (("--verbose", None),)
    assert division.job == ("--broker", "a:1", "--", "--master", "x")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--tiggre", "once"], "unknown argument --tiggre; did you mean --trigger?"),
        (["--mastr=local"], "unknown argument --mastr; did you mean --master?"),
        (["--executor-memroy", "1g"], "did you mean --executor-memory?"),
        (["--sandbx"], "did you mean --sandbox?"),
        (["once"], "unknown argument once; --help"),
        (["--verbose", "once"], "unknown argument once"),
        (["--broker", "a:1", "b:1"], "unknown argument b:1"),
        (["--broker", "a:1", "--"], None),
        (["--dry-run", "--", "x"], "unknown argument --dry-run"),
        (["--conf"], "--conf needs a value; it is an option of spark-submit"),
        (["--master", "--broker", "a:1"], "--master needs a value"),
    ],
)
def test_what_is_nobodys_is_told_with_what_comes_near(words: list[str], told: str | None) -> None:
    if told is None:
        told = "unknown argument --broker"
    with pytest.raises(SettingsError) as refusal:
        divide(words, OWN)
    assert told in str(refusal.value)


def test_a_jobs_option_without_its_value_is_left_to_the_jobs_own_parser() -> None:
    assert divide(["--broker", "--trigger", "once"], {}).job == ("--broker", "--trigger", "once")
