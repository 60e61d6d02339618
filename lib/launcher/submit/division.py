"""Whose option is it? The job's, spark-submit's, or the caller's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from launcher.submit.spark_options import spark_options
from stream_telemetry.values import masked
from telco_churn.errors import SettingsError
from telco_churn.settings.flags import nearest
from telco_churn.settings.resolve import job_flags


@dataclass(frozen=True)
class Division:
    """A command line in its parts; each keeps its order.

    Attributes:
        own: Words for the caller's own options.
        job: Words for the job.
        spark: spark-submit's options with their values; None where none follows.
    """

    own: tuple[str, ...]
    job: tuple[str, ...]
    spark: tuple[tuple[str, str | None], ...]

    @property
    def spark_words(self) -> list[str]:
        """spark-submit's options as words again."""
        return [word for option in self.spark for word in option if word is not None]


def divide(words: Sequence[str], own: Mapping[str, bool]) -> Division:
    """The parts of a command line.

    After the word `--` all is the job's, and nothing before it is.

    Args:
        words: The command line, without the program.
        own: The caller's own options, and whether a value follows each; they win.

    Raises:
        SettingsError: a word is nobody's, or spark-submit's option lacks its value.
    """
    given = list(words)
    end = given.index("--") if "--" in given else len(given)
    job = {} if end < len(given) else job_flags()
    known = {**spark_options(), **job, **own}
    parts: tuple[list[str], list[str], list[tuple[str, str | None]]] = ([], [], [])
    for option in _grouped(given[:end], known):
        name = option[0].partition("=")[0]
        if name in own:
            parts[0].extend(option)
        elif name in job:
            parts[1].extend(option)
        else:
            parts[2].append(_of_spark(option, has_value=known[name]))
    return Division(tuple(parts[0]), (*parts[1], *given[end + 1 :]), tuple(parts[2]))


def _grouped(words: list[str], known: Mapping[str, bool]) -> list[list[str]]:
    """Each option with the value that follows it, if one does."""
    groups: list[list[str]] = []
    rest = iter(range(len(words)))
    for at in rest:
        name, equals, _ = words[at].partition("=")
        if name not in known:
            near = nearest(name, known)
            # What stands behind the name may be a secret.
            raise SettingsError(
                f"unknown argument {masked(name)}"
                + (f"; did you mean {near}?" if near else "")
                + "; --help lists the options"
            )
        groups.append([words[at]])
        following = words[at + 1 : at + 2]
        # A value that was forgotten must not swallow the option behind it.
        if known[name] and not equals and following and not _is_option(following[0], known):
            groups[-1].extend(following)
            next(rest)
    return groups


def _is_option(word: str, known: Mapping[str, bool]) -> bool:
    return word.partition("=")[0] in known


def _of_spark(option: list[str], *, has_value: bool) -> tuple[str, str | None]:
    name, equals, value = option[0].partition("=")
    if len(option) == 2:
        return name, option[1]
    if equals:
        return name, value
    if has_value:
        raise SettingsError(f"{name} needs a value; it is an option of spark-submit")
    return name, None
