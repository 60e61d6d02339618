"""Variables that Kubernetes sets for its services, and that only look like settings.

For a Service `churn-stream-metrics` every pod in its namespace gets, among others,
`CHURN_STREAM_METRICS_PORT=tcp://10.96.12.7:8000`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_LINK = re.compile(r"(tcp|udp|sctp)://[\d.:a-fA-F\[\]]+:\d+")
_BESIDE_LINK = re.compile(r"\w+_(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP|SCTP))(_[A-Z0-9_]+)?")


def service_links(environment: Mapping[str, str]) -> list[str]:
    """The names of the variables in `environment` that hold a service's address."""
    return sorted(name for name, value in environment.items() if _LINK.fullmatch(value))


def is_of_service(name: str) -> bool:
    """Whether Kubernetes may have set the variable: it sets more for a service than its links."""
    return _BESIDE_LINK.fullmatch(name) is not None


def without_links(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without those."""
    links = service_links(environment)
    return {name: value for name, value in environment.items() if name not in links}
