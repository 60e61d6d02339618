"""Whatever ends a start before the query runs is told in one line.

A start is one program after another under the same id: a shell, Python, spark-submit's shell, the
JVM, which starts the job's Python. Most of them cannot be taught to say anything, so another
process watches until the job can speak for itself (`early_stops.py`). Nothing slow is imported
here: a request to stop may come at any moment.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

VARIABLE = "CHURN_STREAM_WATCHED_BY"
"""Environment variable with the number of the descriptor that the watching process reads."""

# However the process dies, the kernel closes the pipe. In the background, so that the process under
# watch, which becomes a JVM, gets no child that it does not know.
_WATCH = (
    'exec 3<&0; { read -r word <&3; [ -n "$word" ] || printf "%s\\n" "$1" >&2; } 2>&2 >/dev/null &'
)
DISMISSED = b"dismissed\n"
"""What the watching process is told when it is not needed any more."""


@contextmanager
def told_when_killed(program: str) -> Iterator[None]:
    """A block that may become another program; its sudden end is told on standard error.

    Args:
        program: what the line begins with.
    """
    read, write = os.pipe()
    line = (
        f"{program}: ended before the job had begun, by a signal or by Spark, whose reason is "
        "above or in spark.log; nothing was read or written"
    )
    with suppress(OSError):
        subprocess.run(
            ["/bin/sh", "-c", _WATCH, "watch", line],
            stdin=read,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            check=False,
        )
    os.close(read)
    os.set_inheritable(write, True)
    os.environ[VARIABLE] = str(write)
    try:
        yield
    finally:
        dismiss()


def dismiss() -> None:
    """Ends the watch of this process, if there is one."""
    if number := os.environ.pop(VARIABLE, ""):
        with suppress(OSError):
            os.write(int(number), DISMISSED)
            os.close(int(number))
