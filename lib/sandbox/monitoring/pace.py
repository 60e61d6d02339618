"""Rules that look back seconds instead of minutes and hours, for who wants to see an alert now."""

from __future__ import annotations

import re
from typing import Final

_SHORTER: Final = {
    **{"1m": "2s", "5m": "8s", "10m": "9s", "15m": "9s", "16m": "10s", "30m": "12s"},
    **{"1h": "15s", "3h": "15s", "65m": "20s", "6h": "20s"},
}


def quickened(text: str) -> str:
    """A file of Prometheus with shorter times.

    A `for:` is a second, rules are looked at each second, and scraped is each other.
    """
    text = re.sub(r"for: \w+", "for: 1s", text)
    text = re.sub(r"\b\d+[mh]\b", lambda found: _SHORTER.get(found[0], found[0]), text)
    text = text.replace("interval: 30s", "interval: 1s")
    return text.replace("interval: 15s", "interval: 2s")
