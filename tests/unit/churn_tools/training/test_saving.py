from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from saved_models import SHIPPED, copy_of

SAVE_TWICE = """
import os, shutil, sys
from dataclasses import replace
from pathlib import Path
from churn_tools.training.saving import save_model
from telco_churn.model.manifest import read_manifest
from telco_churn.model.verification import verify_files

target, shipped = map(Path, sys.argv[1:])

class Shipped:
    '''The shipped pipeline, which writes itself where Spark would; that needs no JVM.'''
    def write(self):
        return self
    def save(self, uri):
        shutil.copytree(shipped / "pipeline", uri.removeprefix("file://"))

for version in ("first", "second"):
    written = save_model(Shipped(), replace(read_manifest(shipped), version=version), target)
    found = read_manifest(target)
    assert found == written and found.version == version, found
    verify_files(target, found)
    left = {path.name for path in target.iterdir()} - {"lost+found"}
    assert left == {"manifest.json", found.pipeline}, left
"""


@pytest.mark.needs("unshare")
@pytest.mark.parametrize(
    "mount",
    [
        'mount -t tmpfs none "$1"',
        'mount -t tmpfs none "$1" && mkdir "$1/lost+found"',
        'mount --bind "$1" "$1"',  # which has the number of the file system around it
    ],
)
def test_a_model_is_put_onto_a_mount_point_and_replaced_there(tmp_path: Path, mount: str) -> None:
    target = copy_of(SHIPPED, tmp_path / "models" / "churn")
    script = ("sh", "-c", f'{mount} && exec "$0" -c "$3" "$1" "$2"', sys.executable)
    result = subprocess.run(
        ["unshare", "--map-root-user", "--mount", *script, target, SHIPPED, SAVE_TWICE],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert result.returncode == 0, result.stderr
