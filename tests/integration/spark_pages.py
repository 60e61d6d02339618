"""Spark's own pages of a job that runs: all that its links lead to, and its REST API."""

from __future__ import annotations

import html
import json
import re
from urllib.error import HTTPError
from urllib.request import urlopen

_LINK = re.compile(r"""(?:href|src)=["']([^"'#]+)""")
_OF_A_KIND = 2
"""Pages with the same path and other queries that are read: one batch is like the next."""
_API = (
    *("jobs", "stages", "executors", "allexecutors", "environment", "storage/rdd"),
    *("sql?details=true&planDescription=true", "resources", "allmiscellaneousprocess"),
)
_METRICS = ("/metrics/json/", "/metrics/prometheus/", "/metrics/executors/prometheus/")


def spark_pages(url: str) -> dict[str, str]:
    """What each of them says, by its address."""
    applications = _text(f"{url}/api/v1/applications")
    application = json.loads(applications)[0]["id"]
    api = [f"/api/v1/applications/{application}/{name}" for name in _API]
    pages = {"/api/v1/applications": applications}
    waiting, kinds = ["/", *api, *_METRICS], dict[str, int]()
    while waiting:
        address = waiting.pop()
        path = address.partition("?")[0]
        kinds[path] = kinds.get(path, 0) + 1
        if address in pages or kinds[path] > _OF_A_KIND:
            continue
        pages[address] = _text(url + address)
        waiting += [link for link in _links(pages[address], url) if link not in pages]
    return pages


def _links(page: str, url: str) -> list[str]:
    found = (html.unescape(link).removeprefix(url) for link in _LINK.findall(page))
    return [
        link
        for link in found
        if link.startswith("/") and not re.search(r"/static/|/kill|/api/v1/", link)
    ]


def _text(url: str) -> str:
    try:
        # Its first page makes Spark load a web framework.
        with urlopen(url, timeout=60) as answer:
            return str(answer.read().decode("utf-8", "replace"))
    except HTTPError as error:
        with error:
            return str(error.read().decode("utf-8", "replace"))
