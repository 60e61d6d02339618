from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from launcher.spark import SPARK_HOME
from launcher.submit.spark_sources import without_archives

ARCHIVES = sorted((SPARK_HOME / "python" / "lib").glob("py*.zip"))
IMPORTED = "import py4j, pyspark; print(pyspark.__file__, py4j.__file__)"
CHOICE = "from launcher.submit.spark_sources import use_unpacked_sources as use; use(); "


def test_pyspark_and_py4j_come_from_where_they_are_installed() -> None:
    assert [path.name.partition("-")[0] for path in ARCHIVES] == ["py4j", "pyspark.zip"]

    def imported(program: str) -> str:
        lib = Path(__file__).resolve().parents[4] / "lib"
        path = os.pathsep.join(map(str, (*ARCHIVES, lib)))
        command = [sys.executable, "-P", "-c", program]
        return subprocess.check_output(command, env={"PYTHONPATH": path}, text=True)

    assert imported(IMPORTED).count(".zip") == 2, "as spark-submit would have it"
    assert imported(CHOICE + IMPORTED).count(".zip") == 0


def test_the_archives_of_another_spark_stay(tmp_path: Path) -> None:
    other = tmp_path / "pyspark" / "python" / "lib"
    path = [str(other / "pyspark.zip"), str(other / "py4j-0.10-src.zip"), str(tmp_path / "x.zip")]
    path.append(str(SPARK_HOME.parent))
    assert without_archives(path) == path
    (tmp_path / "pyspark").mkdir()
    path.append(str(tmp_path))
    # It is installed without Py4J.
    assert without_archives(path) == path[1:]
