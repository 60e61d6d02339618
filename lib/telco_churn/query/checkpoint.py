"""The checkpoint directory: it can be written, is whole, is nobody else's, and fits its source.

A checkpoint that is a URI is left to Spark: it can neither be locked nor read from here.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stream_telemetry.broker.start_positions import checkpoint_positions
from telco_churn.errors import SettingsError, SourceDataLostError
from telco_churn.query.settings import BrokerSettings, CheckpointSettings, TopicSettings
from telco_churn.query.topics import SourceIdentity, source_identity

LOCK = "driver.lock"
"""Held by the driver that runs on the checkpoint; the kernel lets go of it however that ends."""
SOURCE = "source.json"
"""The topic that the checkpoint's offsets count in."""


def check_checkpoint(settings: CheckpointSettings) -> None:
    """Tries to write where the checkpoint is or will be, and reads what Spark will read first.

    Raises:
        SettingsError: the directory cannot be written, or a file in it is damaged.
    """
    checkpoint = settings.checkpoint
    if "://" in checkpoint:
        return
    try:
        Path(checkpoint).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=checkpoint):
            pass
    except OSError as error:
        raise SettingsError(
            f"checkpoint {checkpoint} cannot be written ({error.strerror}); "
            "set --checkpoint to a directory that this user may write"
        ) from error
    _check_logs(Path(checkpoint))


@contextmanager
def locked(settings: CheckpointSettings) -> Iterator[None]:
    """Keeps other drivers off the checkpoint.

    Raises:
        SettingsError: another driver is on it.
    """
    checkpoint = settings.checkpoint
    if "://" in checkpoint:
        yield
        return
    with (Path(checkpoint) / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise SettingsError(
                f"checkpoint {checkpoint} is in use by process {file.read().strip() or '?'}; two "
                "drivers would write everything twice: stop that one, or set another --checkpoint"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def check_source(
    kafka: BrokerSettings, topics: TopicSettings, settings: CheckpointSettings
) -> None:
    """Compares the input topic with the one whose offsets the checkpoint holds.

    Spark itself compares names only: of a topic that was made anew and has grown longer than the
    old one, it leaves out the beginning without a word.

    Raises:
        SourceDataLostError: the topic was made anew, or is that of another cluster.
        SettingsError: the checkpoint is that of another topic.
        KafkaUnavailableError: the broker does not tell.
    """
    checkpoint = settings.checkpoint
    if "://" in checkpoint:
        return
    known = _known_source(Path(checkpoint))
    if known is None:
        return
    found = source_identity(kafka, topics.input_topic)
    if known.topic != found.topic:
        raise SettingsError(
            f"checkpoint {checkpoint} is of topic {known.topic}, not of {found.topic}; "
            "set another --checkpoint"
        )
    if known != found:
        raise SourceDataLostError(
            f"{found.topic} is not the topic that checkpoint {checkpoint} was made on: it "
            f"has been deleted and made anew (id {known.topic_id} then, {found.topic_id} now; "
            f"cluster {known.cluster_id}, {found.cluster_id}); start with another --checkpoint"
        )


def remember_source(
    kafka: BrokerSettings, topics: TopicSettings, settings: CheckpointSettings
) -> None:
    """Writes down which topic the checkpoint is made on, unless it says so already.

    Raises:
        KafkaUnavailableError: the broker does not tell.
    """
    checkpoint = settings.checkpoint
    if "://" in checkpoint or _known_source(Path(checkpoint)):
        return
    path = Path(checkpoint) / SOURCE
    new = path.with_suffix(".new")
    new.write_text(
        json.dumps(source_identity(kafka, topics.input_topic)._asdict()), encoding="utf-8"
    )
    new.replace(path)


def _known_source(checkpoint: Path) -> SourceIdentity | None:
    """What the checkpoint was made on; None if it holds no offsets yet, or does not say."""
    if not batches_in(checkpoint / "offsets"):
        return None
    try:
        return SourceIdentity(**json.loads((checkpoint / SOURCE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _check_logs(checkpoint: Path) -> None:
    offsets, commits = checkpoint / "offsets", checkpoint / "commits"
    if (planned := batches_in(offsets)) and not _is_whole(checkpoint / "metadata"):
        raise SettingsError(
            f"checkpoint {checkpoint} is damaged: the file metadata is missing or unreadable; put "
            f"it back, or start with another --checkpoint{_where_to_start(checkpoint)}"
        )
    for log, done in ((offsets, planned), (commits, batches_in(commits))):
        if done and not _is_whole(log / str(done[-1]), is_versioned=True):
            both = f"{offsets}/{done[-1]} and {commits}/{done[-1]}"
            remains = f"{commits}/{done[-1]}" if log == commits else both
            raise SettingsError(
                f"checkpoint {checkpoint} is damaged: {log}/{done[-1]} is empty or unreadable; "
                f"delete {remains}, and their .crc files: batch {done[-1]} will run again"
            )


def _where_to_start(checkpoint: Path) -> str:
    """The option that makes a new checkpoint go on where this one is."""
    topics: dict[str, dict[str, int]] = {}
    for (topic, partition), offset in checkpoint_positions(checkpoint).items():
        topics.setdefault(topic, {})[str(partition)] = offset
    return f" and --starting-offsets '{json.dumps(topics)}'" if topics else ""


def batches_in(log: Path) -> list[int]:
    """The batches that one of Spark's logs has, in order."""
    if not log.is_dir():
        return []
    return sorted(int(file.name) for file in log.iterdir() if file.name.isdigit())


def _is_whole(path: Path, *, is_versioned: bool = False) -> bool:
    """Whether a file can be read as Spark wrote it: JSON lines, in a log after a version."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        if is_versioned and not lines.pop(0).startswith("v"):
            return False
        return bool(lines) and all(json.loads(line) is not None for line in lines if line != "-")
    except (OSError, ValueError, IndexError):
        return False
