from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.early_job.gate import Gate

WAITING = "import sys; from sandbox.early_job.gate import passed; print(*passed(), sep='|')"


def test_who_waits_goes_on_when_the_gate_is_open_with_the_words_that_come_through(
    tmp_path: Path,
) -> None:
    gate = Gate(tmp_path / "gate")
    with subprocess.Popen(
        [sys.executable, "-c", WAITING],
        env={**os.environ, **gate.environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)
            gate.open(["--broker", "a b:1"])
            assert process.communicate(timeout=30)[0] == "--broker|a b:1\n"
        finally:
            process.kill()
    assert [path.name for path in tmp_path.iterdir()] == ["gate"]
