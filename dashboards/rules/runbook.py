"""`docs/runbook.md`: a heading for each alert, in the order of the rule file."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import dedent

from dashboards.rules.chapters import chapters
from dashboards.site import Site

_INTRODUCTION = """\
# Runbook

<!-- Made by `python -m dashboards` from what dashboards/alerts/ says; a test compares. -->

What each alert of `conf/prometheus/alerts.yml` means, how to see it, and what to do.
Where this page can be read is said when the rules are written:
`python -m dashboards --runbook URL`;
each alert links to its heading there. Commands are for the directory that the job runs in, and its
default ports; words in capitals stand for what is yours. How to find your way around beyond alerts
is in [operations.md](operations.md).

First, always: `curl -s http://localhost:8000/health` names the check that fails, and
`grep -v '"INFO"' logs/kafka_consumer.log | tail` the reason. Stopping and
starting the job loses nothing: it goes on from its checkpoint, and repeats at most the batch that
was cut off.

| severity | goes to | alerts |
| --- | --- | --- |
| critical | on-call, at once, again each hour | nothing is scored, or records are missing |
| warning | the team, again twice a day | it works, and will not for long |

Alertmanager holds back what says no more than another alert **about the same target**: while
**JobDown** fires, that replica's other states; while **ConsumerDisconnected** does, its hanging and
lagging; the fast budget alerts hold back the slower ones of their job and environment. What became
of records is never held back by the death of a replica.
"""


def runbook_file(site: Site) -> str:
    """The page, in Markdown."""
    return "\n".join(_parts(site))


def _parts(site: Site) -> Iterator[str]:
    yield _INTRODUCTION
    for group in chapters(site):
        yield f"## {group.title}\n"
        if group.introduction:
            yield group.introduction
        for alert in group.alerts:
            yield f"### {alert.name}\n"
            yield dedent(alert.entry).strip() + "\n"
