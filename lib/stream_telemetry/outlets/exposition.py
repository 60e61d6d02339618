"""The metrics as a scrape gets them: in the format that it asks for, all or those it names."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from urllib.parse import parse_qs

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

_PARAMETER = "name[]"
"""As prometheus_client's own server has it: any number of names, of series or of whole metrics."""


Headers = tuple[tuple[str, str], ...]


def expose(registry: CollectorRegistry, request: Mapping[str, object]) -> tuple[Headers, bytes]:
    """The metrics, as headers and body of an answer.

    Args:
        registry: has them.
        request: the WSGI environment: its headers choose format and compression, its query names.
    """
    encode, content_type = _encoder(str(request.get("HTTP_ACCEPT", "")))
    names = parse_qs(str(request.get("QUERY_STRING", ""))).get(_PARAMETER)
    body = encode(_Named(registry, frozenset(names)) if names else registry)
    headers = [("Content-Type", content_type), ("Vary", "Accept, Accept-Encoding")]
    if gzip_accepted(str(request.get("HTTP_ACCEPT_ENCODING", ""))):
        body = gzip.compress(body)
        headers.append(("Content-Encoding", "gzip"))
    return tuple(headers), body


def _encoder(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    try:
        return choose_encoder(accept)
    except (ValueError, TypeError):  # its version is not a number
        return choose_encoder("")


# The registry's restricted_registry knows only names given at registration; the store gives none.
class _Named(Collector):
    """Those metrics, and those of their series, that somebody has named."""

    def __init__(self, registry: CollectorRegistry, names: frozenset[str]) -> None:
        self._registry = registry
        self._names = names

    def collect(self) -> Iterator[Family]:
        """What is left of the registry's families."""
        for family in self._registry.collect():
            chosen = copy(family)
            if family.name not in self._names:
                chosen.samples = [s for s in family.samples if s.name in self._names]
            if chosen.samples:
                yield chosen
