from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from launcher.cache import jar_lock
from launcher.cache.jar_lock import sha512


@pytest.fixture
def lock_jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes a directory's jars, as they are now, the only ones that the lock names."""

    def lock(directory: Path) -> None:
        rows = [
            f'"{jar.stem.replace("_", ":", 1)}" = "{sha512(jar)}"\n'
            for jar in sorted(directory.glob("*.jar"))
        ]
        path = tmp_path / "jars.lock"
        path.write_text(f'["{directory.name}"]\n{"".join(rows)}')
        monkeypatch.setattr(jar_lock, "LOCK", path)

    return lock
