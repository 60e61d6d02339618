"""The checkpoint: it can be written, is whole, fits its source, and stays the one that it was."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime

from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.batch.progress import Positions, read_positions
from stream_telemetry.checkpoint.damage import (
    DamagedCheckpointError,
    begin_another,
    check_logs,
    newest_positions,
    query_id,
)
from stream_telemetry.checkpoint.files import CheckpointFileError, CheckpointFiles
from stream_telemetry.checkpoint.identity import FILE, Identity, SourceIdentity
from stream_telemetry.checkpoint.logs import OFFSETS, batches_in
from telco_churn.errors import CheckpointLostError, SettingsError, SourceDataLostError
from telco_churn.query.lock import locked

_PROBE = ".probe"


class Checkpoint:
    """The checkpoint of one run, looked at before the query starts and each time it starts again.

    A query that has begun never begins anew by itself: if what it has read is no longer written
    down, or something else is in its place, the run ends.
    """

    def __init__(self, location: str) -> None:
        """Asks Hadoop where it is; connects to the JVM.

        Args:
            location: directory or URI, as Spark takes it.

        Raises:
            SettingsError: there is no such file system, or no JVM.
        """
        try:
            self.files = CheckpointFiles(location)
        except (CheckpointFileError, RuntimeError) as error:
            raise SettingsError(
                f"checkpoint {location} cannot be used ({error}); set --checkpoint to a directory, "
                "or to a URI of a file system that Spark has"
            ) from error
        self._identity: Identity | None = None
        self._query: StreamingQuery | None = None
        self._query_id = ""
        self._reached: Positions = {}
        self._has_done_batches = False

    def check(self) -> None:
        """Tries to write where the checkpoint is or will be, and reads what Spark will read first.

        Raises:
            SettingsError: it cannot be written, or a file in it is damaged.
        """
        try:
            self.files.make()
            self.files.write(_PROBE, "")
            self.files.delete(_PROBE)
            check_logs(self.files)
        except CheckpointFileError as error:
            raise SettingsError(
                f"checkpoint {self.files.location} cannot be written ({error}); "
                "set --checkpoint to a directory that this user may write"
            ) from error
        except DamagedCheckpointError as error:
            raise SettingsError(f"checkpoint {self.files.location} is damaged: {error}") from error

    def check_source(self, found: SourceIdentity) -> None:
        """Compares the input topic with the one whose offsets the checkpoint holds.

        Spark itself compares names only: of a topic that was made anew and has grown longer than
        the old one, it leaves out the beginning without a word.

        Raises:
            SourceDataLostError: the topic was made anew, or is that of another cluster.
            CheckpointLostError: the query has begun, and what it has read is not there any more.
            SettingsError: the checkpoint is that of another topic, or its identity is damaged.
        """
        known, has_begun = self._known(), self._has_batches()
        if known is None:
            return
        if known.query and (not has_begun or query_id(self.files) != known.query):
            raise CheckpointLostError(
                f"checkpoint {self.files.location} ({known.origin}) no longer has the batches of "
                f"query {known.query}; put them back, or {begin_another(known.reached)}"
            )
        if has_begun:
            self._compare(known, found)

    def check_topic(self, found: SourceIdentity) -> None:
        """Compares the input topic as it is now with the one that the run began on.

        Raises:
            SourceDataLostError: it was made anew meanwhile.
        """
        if self._identity is not None:
            self._compare(self._identity, found)

    def locked(
        self, on_loss: Callable[[str], None] = lambda _: None
    ) -> AbstractContextManager[None]:
        """Keeps other drivers off it; see `lock.locked`."""
        return locked(self.files, on_loss)

    def begin(self, source: SourceIdentity) -> None:
        """Writes into it who it is, unless it says so already; for the driver that has the lock.

        Raises:
            SettingsError: it cannot be written.
        """
        known, run = self._known(), str(uuid.uuid4())
        has_begun = self._has_batches()
        if known is None or not has_begun:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            identity = Identity(**source._asdict(), first_run=run, first_run_at=now)
        else:
            identity = replace(
                known,
                topic_id=known.topic_id or source.topic_id,
                cluster_id=known.cluster_id or source.cluster_id,
                first_run=known.first_run or run,
            )
        if has_begun:
            identity = identity.begun_by(query_id(self.files) or "")
        self._identity, self._reached = known, newest_positions(self.files)
        self._write(identity)

    def start(self, begin: Callable[[], StreamingQuery]) -> StreamingQuery:
        """Starts the query, the first time or again, if it will go on where it was.

        Raises:
            CheckpointLostError: it would begin anew, or go on somewhere else.
        """
        self.check_again()
        query = begin()
        self.started(query)
        return query

    def check_again(self) -> None:
        """Before a query is started again: makes sure that it will go on where it was.

        Raises:
            CheckpointLostError: it would begin anew, or go on somewhere else.
        """
        if self._query is None or self._identity is None:
            return
        self._note_reached(self._query)
        try:
            found = self._found_instead()
        except CheckpointFileError:
            # A disk that is away: Spark cannot begin anew on it either, and says what it is.
            return
        if found:
            self._end(found)

    def started(self, query: StreamingQuery) -> None:
        """Notes the query that runs on it.

        Raises:
            CheckpointLostError: Spark has begun anew; the query is stopped.
        """
        if self._query_id and str(query.id) != self._query_id:
            query.stop()
            self._end(f"query {query.id} was begun in it")
        self._query, self._query_id = query, str(query.id)

    def _compare(self, known: Identity, found: SourceIdentity) -> None:
        if known.topic != found.topic:
            raise SettingsError(
                f"checkpoint {self.files.location} is of topic {known.topic}, not of "
                f"{found.topic}; set another --checkpoint"
            )
        if not known.source.may_be(found):
            raise SourceDataLostError(
                f"{found.topic} is not the topic that checkpoint {self.files.location} was made "
                f"on: it has been deleted and made anew (id {known.topic_id} then, "
                f"{found.topic_id} now; cluster {known.cluster_id}, {found.cluster_id}); start "
                "with another --checkpoint"
            )

    def _found_instead(self) -> str:
        """What is wrong with the checkpoint, now; empty if it is the one that it was."""
        assert self._identity is not None
        try:
            known = Identity.read(self.files)
        except ValueError:
            return f"its {FILE} is damaged"
        if known is None:
            return "it is gone, or empty"
        if known.first_run != self._identity.first_run:
            return f"there is another one in its place, {known.origin}"
        if (found := query_id(self.files)) != self._query_id:
            return f"its metadata is that of query {found}" if found else "its metadata is gone"
        if self._has_batches():
            self._write(known.begun_by(self._query_id))
        elif known.query or self._has_done_batches:
            return "its batches are gone"
        return ""

    def _end(self, found: str) -> None:
        assert self._identity is not None
        lost = replace(self._identity.begun_by(self._query_id), reached=self._reached)
        with suppress(CheckpointFileError, ValueError):
            known = Identity.read(self.files)
            # Whoever starts the job again without looking is not to begin anew either.
            if known is None or known.first_run == lost.first_run:
                self.files.make()
                lost.write(self.files)
        raise CheckpointLostError(
            f"checkpoint {self.files.location} is not as query {self._query_id} left it: {found}; "
            f"put it back, or {begin_another(self._reached)}"
        )

    def _note_reached(self, query: StreamingQuery) -> None:
        if progress := query.lastProgress:
            self._has_done_batches = True
            # Only for advice: one that is not of Kafka gives none.
            with suppress(ValueError):
                self._reached = read_positions(progress.sources[0].endOffset)

    def _write(self, identity: Identity) -> None:
        if identity != self._identity:
            try:
                identity.write(self.files)
            except CheckpointFileError as error:
                location = self.files.location
                raise SettingsError(f"checkpoint {location} cannot be written ({error})") from error
        self._identity = identity

    def _known(self) -> Identity | None:
        try:
            return Identity.read(self.files)
        except (CheckpointFileError, ValueError) as error:
            raise SettingsError(
                f"checkpoint {self.files.location}: {FILE} is damaged ({error}); delete it if you "
                "know that the input topic has not been made anew since"
            ) from error

    def _has_batches(self) -> bool:
        return bool(batches_in(self.files, OFFSETS))
