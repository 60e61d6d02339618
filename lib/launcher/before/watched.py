"""The launcher, `python -m launcher`, under watch until the job can speak for itself."""

from __future__ import annotations

import runpy

from telco_churn.last_words import told_when_killed


def main() -> None:
    """Runs the launcher with this process's command line."""
    # Nothing else is imported before: a request to stop may come at any moment.
    with told_when_killed("spark-submit.sh"):
        runpy.run_module("launcher", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
