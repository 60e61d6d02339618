"""What a real bash offers after it has read the script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.completion.__main__ import every_option, main
from telco_churn.errors import SettingsError
from telco_churn.paths import project_home

ASK = """
COMP_WORDS=("${@:2}"); COMP_CWORD=$(($# - 2)); source "$1"
_shtab_spark_submit_sh "$2" "${@: -1}" "${@: -2:1}"
echo "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the script that users call writes it."""
    path = tmp_path_factory.mktemp("completion") / "script.bash"
    command = [str(project_home() / "spark-submit.sh"), "--completion=bash"]
    with path.open("w") as file:
        subprocess.run(command, stdout=file, check=True, env={"PYTHON": sys.executable})
    return path


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["--trig"], {"--trigger"}),
        (["--sand"], {"--sandbox"}),
        # The sandbox's, spark-submit's and the job's.
        (["--ra"], {"--rate"}),
        (["--mast"], {"--master"}),
        (["--dry"], {"--dry-run"}),
        (["--model-path", "mod"], {"models"}),
        (["--config", "setup.c"], {"setup.cfg"}),
    ],
)
def test_bash_offers(script: Path, words: list[str], offered: set[str]) -> None:
    command = ["bash", "-c", ASK, "bash", str(script), "./spark-submit.sh", *words]
    home = project_home()
    asked = subprocess.run(command, capture_output=True, text=True, check=True, cwd=home)
    assert set(asked.stdout.split()) == offered


def test_no_option_of_spark_submit_is_missing() -> None:
    assert {"--conf", "--packages", "--prepare", "--bad-ratio"} <= set(
        every_option().option_strings
    )


def test_another_shell_is_told_which_there_are() -> None:
    with pytest.raises(SettingsError, match=r"invalid choice: 'fish' .*'bash', 'zsh', 'tcsh'"):
        main(["--completion", "fish"])
