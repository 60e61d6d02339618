"""`python -m sandbox.locks`: writes all locks anew, of packages and of jars."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from sandbox.locks.locked_jars import write_jar_lock
from sandbox.locks.locked_packages import write_package_locks
from telco_churn.errors import exit_with


def main(arguments: Sequence[str]) -> None:
    """Writes the locks.

    Raises:
        ChurnStreamError: something cannot be found or downloaded.
        SystemExit: there are arguments.
    """
    if arguments:
        raise SystemExit("usage: python -m sandbox.locks")
    write_package_locks()
    write_jar_lock()


if __name__ == "__main__":
    exit_with("sandbox.locks", main, sys.argv[1:])
