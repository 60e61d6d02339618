"""Whether a checkpoint is still the one that a query of this process runs on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.batch.progress import read_positions
from stream_telemetry.checkpoint.damage import newest_positions, query_id
from stream_telemetry.checkpoint.files import CheckpointFileError, CheckpointFiles
from stream_telemetry.checkpoint.identity import FILE, Identity
from stream_telemetry.checkpoint.logs import OFFSETS, batches_in


class Continuity:
    """What this process knows of its checkpoint, to compare it with the files.

    Attributes:
        identity: of the checkpoint as the run began on it.
        query_id: of the query, once it has been started; empty before.
        reached: what the query has read up to, as far as it is known.
    """

    def __init__(self, files: CheckpointFiles, identity: Identity) -> None:
        """Notes the checkpoint's identity, and how far its query has come."""
        self._files = files
        self.identity = identity
        self.query_id = ""
        self.reached = newest_positions(files)
        self._query: StreamingQuery | None = None
        self._has_done_batches = bool(self.reached)

    def is_of(self, query: StreamingQuery) -> bool:
        """Notes that a query has been started; False if Spark has begun another one."""
        # Spark gives a new id to a query whose checkpoint has lost its metadata: it begins anew.
        if self.query_id and str(query.id) != self.query_id:
            return False
        self._query, self.query_id = query, str(query.id)
        return True

    def found_instead(self) -> str:
        """What is wrong with the checkpoint now; empty if its query would go on where it was.

        Raises:
            CheckpointFileError: nobody can say, and Spark cannot begin anew there either.
        """
        if self._query is None:
            return ""
        self._note_progress(self._query)
        try:
            known = Identity.read(self._files)
        except ValueError:
            return f"its {FILE} is damaged"
        if known is None:
            return "it is gone, or empty"
        if known.first_run != self.identity.first_run:
            return f"there is another one in its place, {known.origin}"
        if (found := query_id(self._files)) != self.query_id:
            return f"its metadata is that of query {found}" if found else "its metadata is gone"
        if batches_in(self._files, OFFSETS):
            self._note_begun(known)
        # To have no batches is normal only before the first one.
        elif known.query or self._has_done_batches:
            return "its batches are gone"
        return ""

    def leave_word(self) -> None:
        """Leaves a note of what was there, so that the next run does not silently begin anew."""
        lost = replace(self.identity.begun_by(self.query_id), reached=self.reached)
        # Only advice for the next start: the run ends with a reason of its own.
        with suppress(CheckpointFileError, ValueError):
            known = Identity.read(self._files)
            # Never over the identity of another checkpoint.
            if known is None or known.first_run == lost.first_run:
                self._files.make()
                lost.write(self._files)

    def leave_reason(self, reason: str) -> None:
        """Writes into the checkpoint why no query may go on with it."""
        with suppress(CheckpointFileError):
            replace(self.identity.begun_by(self.query_id), ended=reason).write(self._files)

    def _note_progress(self, query: StreamingQuery) -> None:
        if progress := query.lastProgress:
            self._has_done_batches = True
            # Only for advice: a source that is not Kafka has none to give.
            with suppress(ValueError):
                self.reached = read_positions(progress.sources[0].endOffset)

    def _note_begun(self, known: Identity) -> None:
        self.identity = known.begun_by(self.query_id)
        if known != self.identity:
            self.identity.write(self._files)
