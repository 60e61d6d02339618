"""The checkpoint: it can be written, is whole, fits its source, and stays the one that it was."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.checkpoint.continuity import Continuity
from stream_telemetry.checkpoint.damage import (
    DamagedCheckpointError,
    begin_another,
    check_logs,
    query_id,
)
from stream_telemetry.checkpoint.files import CheckpointFileError, CheckpointFiles
from stream_telemetry.checkpoint.identity import FILE, Identity, SourceIdentity
from stream_telemetry.checkpoint.lock import LockedError, locked
from stream_telemetry.checkpoint.logs import OFFSETS, batches_in
from telco_churn.errors import CheckpointLostError, SettingsError, SourceDataLostError

_PROBE = ".probe"


class Checkpoint:
    """The checkpoint of one run, looked at before the query starts and each time it starts again.

    A query that has begun never begins anew by itself: if what it has read is no longer written
    down, or something else is in its place, the run ends.
    """

    def __init__(self, location: str, *, accepts_loss: bool = False) -> None:
        """Asks Hadoop where it is; connects to the JVM.

        Args:
            location: directory or URI, as Spark takes it.
            accepts_loss: whether the query may go on though Kafka has lost records of its source.

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
        self.accepts_loss = accepts_loss
        self._left: Continuity | None = None

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
        the old one, it silently leaves out the beginning.

        Raises:
            SourceDataLostError: the topic was made anew, or is that of another cluster.
            CheckpointLostError: the query has begun, and what it has read is not there any more.
            SettingsError: the checkpoint is that of another topic, or its identity is damaged.
        """
        known, has_begun = self._known(), self.has_batches()
        if known is None:
            return
        if known.query and (not has_begun or query_id(self.files) != known.query):
            raise CheckpointLostError(
                f"checkpoint {self.files.location} ({known.origin}) no longer has the batches of "
                f"query {known.query}; put them back, or {begin_another(known.reached)}"
            )
        if has_begun:
            self._compare(known, found)
        if known.ended and not self.accepts_loss:
            raise SourceDataLostError(
                f"checkpoint {self.files.location} cannot be gone on with: {known.ended}; start "
                "with another --checkpoint, or set --on-data-loss continue"
            )

    def check_topic(self, found: SourceIdentity) -> None:
        """Compares the input topic as it is now with the one that the run began on.

        Raises:
            SourceDataLostError: it was made anew meanwhile.
        """
        if self._left is not None:
            self._compare(self._left.identity, found)

    @contextmanager
    def locked(self, on_loss: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """Keeps other drivers off it; see `lock.locked`.

        Raises:
            SettingsError: another driver is on it, or it cannot be written.
        """
        with ExitStack() as held:
            try:
                held.enter_context(locked(self.files, on_loss))
            except LockedError as error:
                raise SettingsError(str(error)) from error
            yield

    def begin(self, source: SourceIdentity) -> None:
        """Writes its identity into it, unless it is there; for the driver that holds the lock.

        Raises:
            SettingsError: it cannot be written, or is that of another topic.
            SourceDataLostError: it does not fit the source; see `check_source`.
        """
        self.check_source(source)
        known, run = self._known(), str(uuid.uuid4())
        has_begun = self.has_batches()
        if known is None or not has_begun:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            identity = Identity(**source._asdict(), first_run=run, first_run_at=now)
        else:
            identity = replace(
                known,
                topic_id=known.topic_id or source.topic_id,
                cluster_id=known.cluster_id or source.cluster_id,
                first_run=known.first_run or run,
                ended="",
            )
        if has_begun:
            identity = identity.begun_by(query_id(self.files) or "")
        try:
            if identity != known:
                identity.write(self.files)
            self._left = Continuity(self.files, identity)
        except CheckpointFileError as error:
            location = self.files.location
            raise SettingsError(f"checkpoint {location} cannot be written ({error})") from error

    @property
    def source(self) -> SourceIdentity:
        """The topic that the run began on."""
        assert self._left is not None, "begin() comes first"
        return self._left.identity.source

    def close(self, reason: str) -> None:
        """Notes in it that no query may go on with it, even if the job is started again."""
        if self._left is not None:
            self._left.leave_reason(reason)

    def start(self, begin: Callable[[], StreamingQuery]) -> StreamingQuery:
        """Starts the query, the first time or again, if it will go on where it was.

        Raises:
            CheckpointLostError: it would begin anew, or go on somewhere else.
        """
        assert self._left is not None, "begin() comes first"
        # Where the disk is unavailable Spark cannot begin anew either, and it reports the reason.
        with suppress(CheckpointFileError):
            if found := self._left.found_instead():
                raise self._lost(found)
        query = begin()
        if not self._left.is_of(query):
            query.stop()
            raise self._lost(f"query {query.id} was begun in it")
        return query

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

    def _lost(self, found: str) -> CheckpointLostError:
        assert self._left is not None
        self._left.leave_word()
        return CheckpointLostError(
            f"checkpoint {self.files.location} is not as query {self._left.query_id} left it: "
            f"{found}; put it back, or {begin_another(self._left.reached)}"
        )

    def _known(self) -> Identity | None:
        try:
            return Identity.read(self.files)
        except (CheckpointFileError, ValueError) as error:
            raise SettingsError(
                f"checkpoint {self.files.location}: {FILE} is damaged ({error}); delete it if you "
                "know that the input topic has not been made anew since"
            ) from error

    def has_batches(self) -> bool:
        """Whether a query has begun on it."""
        return bool(batches_in(self.files, OFFSETS))
