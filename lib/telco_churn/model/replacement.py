"""Another model in the place of the one that scores, found while the query runs."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.process.driver_jvm import JVM_ERRORS
from stream_telemetry.run.causes import root_cause
from telco_churn import LOGGER
from telco_churn.errors import ModelError
from telco_churn.model.loading import Model, manifest_at
from telco_churn.model.settings import ModelSettings
from telco_churn.model.trust.model_place import ModelPlace, RemotePlace

log = logging.getLogger(LOGGER)


class Scoring(Protocol):
    """How a query scores: by one model."""

    @property
    def model(self) -> Model:
        """That model."""


Plan = TypeVar("Plan", bound=Scoring)


class Replacement(Generic[Plan]):
    """Takes another model if one lies where the first one did, and can be used.

    Which model it is, the manifest tells, with the hashes of all files. So the old one, put back,
    is another model like any.
    """

    def __init__(
        self,
        plan: Plan,
        settings: ModelSettings,
        load: Callable[[ModelPlace], Plan],
        show: Callable[[Plan], None],
        count: Callable[[str], None],
        *,
        is_fixed: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins with the model that the first run scores with.

        Args:
            plan: how that run scores.
            settings: where the model lies, and how often to look there without being asked.
            load: how to score with another model, verified and tried; raises ModelError.
            show: called before the first run by a plan.
            count: called with what became of the model that was found: `taken` or `refused`, or
                `kept` if it is the one that scores.
            is_fixed: whether no other may be taken.
            clock: monotonic seconds.
        """
        self._plan, self._is_fixed = plan, is_fixed
        self._next: Plan | None = None
        self._before: Plan | None = None
        self._shown: Plan | None = None
        self._query: StreamingQuery | None = None
        self._path, self._seconds = settings.model_path, settings.watch_model
        self._load, self._show, self._count = load, show, count
        self._clock = clock
        self._looked = clock()
        self._seen = self._tried = _state_of(self._path)

    def renew(self, is_asked: bool) -> bool:
        """Whether the query has to be started again, because there is another model to score with.

        Args:
            is_asked: whether somebody wants a look now; else it is taken when it is due.
        """
        if not is_asked and not self._is_due():
            return False
        if self._is_fixed:
            log.info("a run that ends by itself keeps its model, %s", self._version)
            return False
        self._tried = _state_of(self._path)
        try:
            self._next = self._other()
        except JVM_ERRORS:
            raise
        # Whatever is wrong with it, the one that scores goes on.
        except Exception as error:
            log.warning("another model is refused, %s goes on: %s", self._version, error)
            self._count("refused")
            return False
        if self._next is None:
            self._count("kept")
            if is_asked:
                log.info("model %s in %s is the one that scores", self._version, self._path)
        return self._next is not None

    def run(self, start: Callable[[Plan], StreamingQuery]) -> StreamingQuery:
        """A run of the query, by one model from its first record to its last.

        Args:
            start: starts it by the plan that it is given.
        """
        self._before = None
        if self._next is not None:
            self._before, self._plan, self._next = self._plan, self._next, None
            self._count("taken")
        if self._plan is not self._shown:
            if self._shown is not None:
                before = self._shown.model.manifest.version
                log.info("model %s scores from now on; it was %s", self._version, before)
            self._show(self._plan)
            self._shown = self._plan
        self._query = start(self._plan)
        return self._query

    def take_back(self, error: Exception) -> bool:
        """Whether a run has failed because of its model, maybe: the one before scores again.

        That is a run by a new model that has not brought a single batch to its end.

        Args:
            error: what it has failed with.
        """
        if self._before is None or (self._query and self._query.lastProgress):
            return False
        log.warning(
            "model %s is taken back, the query failed before its first batch was done: %s",
            self._version,
            root_cause(error),
        )
        self._plan, self._before = self._before, None
        self._count("refused")
        return True

    @property
    def _version(self) -> str:
        return self._plan.model.manifest.version

    def _other(self) -> Plan | None:
        """How to score with the model that is there, if it is another one; raises ModelError."""
        now, found = self._plan.model.manifest, manifest_at(self._path)
        if found == now:
            return None
        if found.version == now.version:
            raise ModelError(
                f"model {self._path} is another one, but of the same version {now.version}: its "
                "predictions could not be told from those before; give it a version of its own"
            )
        return self._load(self._path)

    def _is_due(self) -> bool:
        """Whether something has changed since the last try, and has come to rest."""
        if self._seconds is None or self._clock() - self._looked < self._seconds:
            return False
        self._looked = self._clock()
        before, self._seen = self._seen, _state_of(self._path)
        # While somebody still writes there, each try would be refused.
        return self._seen == before and self._seen != self._tried


def _state_of(path: ModelPlace) -> frozenset[tuple[str, int, int, int]]:
    """Name, size, time and number of each file below a directory; nothing where there is none."""
    found: set[tuple[str, int, int, int]] = set()
    if isinstance(path, RemotePlace):
        # Nobody looks there without being asked, see `ModelSettings`.
        return frozenset()
    for directory, _, names in os.walk(path):
        for name in names:
            file = os.path.join(directory, name)
            try:
                status = os.stat(file)
            except OSError:
                continue
            found.add((file, status.st_size, status.st_mtime_ns, status.st_ino))
    return frozenset(found)
