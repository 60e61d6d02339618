"""Variables that look like settings of the job, and are none: most likely a name was mistyped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from telco_churn.settings.flags import nearest
from telco_churn.settings.service_links import is_of_service, without_links

PREFIX = "CHURN_STREAM_"
_BESIDE_OPTIONS = frozenset(
    f"{PREFIX}{name}"
    # The file of settings and what the launcher and its tests hand on; none is an option.
    for name in (
        *("CONFIG", "HOME", "CLASS_ARCHIVE"),
        *("SPARK_LOG", "LOG_PERMISSIONS", "WATCHED_BY"),
    )
)


def unknown_variables(environment: Mapping[str, str], known: Iterable[str]) -> dict[str, str]:
    """What to say of each variable `CHURN_STREAM_…` that nothing reads, by its name.

    Args:
        environment: environment variables.
        known: those that are options.
    """
    names = _BESIDE_OPTIONS | set(known)
    return {
        name: _told(name, names)
        for name in sorted(without_links(environment))
        if name.startswith(PREFIX) and name not in names and not is_of_service(name)
    }


def _told(name: str, names: Iterable[str]) -> str:
    # Without what all of them begin with, which would make any two of them alike.
    near = nearest(name.removeprefix(PREFIX), [known.removeprefix(PREFIX) for known in names])
    guess = f"; did you mean {PREFIX}{near}?" if near else "; --help lists the options"
    return f"{name} is passed over: no setting has that name{guess}"
