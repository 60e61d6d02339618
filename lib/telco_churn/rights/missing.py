"""Rights that somebody takes away, or gives, while the job runs."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence

from stream_telemetry.broker.admin import KnownTopic
from stream_telemetry.broker.topic_watch import Rights
from telco_churn import LOGGER
from telco_churn.rights.granted import is_lacking
from telco_churn.rights.needed import DESCRIBE_CONFIGS, Right

log = logging.getLogger(LOGGER)


class RightsWatch:
    """Knows which rights are missing, and tells the log when that changes."""

    def __init__(
        self, client: Mapping[str, str], rights: Sequence[Right], lacking: Sequence[Right]
    ) -> None:
        """Takes what is known at the start.

        Args:
            client: librdkafka's settings.
            rights: that the job wants.
            lacking: those of them that it has not.
        """
        self._client = client
        self._rights = rights
        self._lacking = set(lacking)

    def tell(self) -> None:
        """Writes a line for each right that is missing."""
        for right in self._rights:
            if right in self._lacking:
                self._warn(right)

    def refusals_in(self, message: str) -> str:
        """What to do about a refusal of which Kafka's clients say only which topics it is about."""
        named = set(re.findall(r"[\w.-]+", message))
        found = [r.refusal(self._client) for r in self._rights if r.is_needed and r.name in named]
        return "; ".join(found)

    def missing(self, topics: Mapping[str, KnownTopic]) -> Rights:
        """Whether each right is missing, by operation and name.

        Args:
            topics: what the broker has just told of them; one of which it does not tell stays as it
                was.
        """
        for right in self._rights:
            known = topics.get(right.name) if right.kind == "topic" else None
            if known is not None and known.operations is not None:
                self._compare(right, is_lacking(right, known.operations))
        return {(right.operation, right.name): right in self._lacking for right in self._rights}

    def _compare(self, right: Right, is_missing: bool) -> None:
        was_missing = right in self._lacking
        if is_missing and not was_missing:
            self._lacking.add(right)
            self._warn(right)
        elif was_missing and not is_missing:
            self._lacking.remove(right)
            log.info("%s on %s %s is allowed again", right.operation, right.kind, right.name)

    def _warn(self, right: Right) -> None:
        # The check that asks for the settings says itself what is missing without them.
        if right.operation != DESCRIBE_CONFIGS:
            log.warning("%s", right.refusal(self._client))
