"""The project's own files, for the tests that read them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]


def modules(*folders: str) -> dict[str, ast.Module]:
    """The syntax tree of each module below these folders, by its path from the project's root."""
    return {
        str(path.relative_to(HOME)): ast.parse(path.read_text("utf-8"))
        for folder in folders
        for path in sorted((HOME / folder).rglob("*.py"))
    }


def project_files() -> list[Path]:
    """Every file that git has or would take, from the project's root."""
    listed = subprocess.run(
        # Also where another user owns the files, as in a container.
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=HOME,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (Path(name) for name in listed.stdout.split("\0") if name)
    return [path for path in paths if (HOME / path).is_symlink() or (HOME / path).is_file()]


def project_texts() -> Iterator[tuple[Path, str]]:
    """Path and content of every text file of the project."""
    for path in project_files():
        try:
            yield path, (HOME / path).read_text("utf-8")
        except UnicodeDecodeError:
            continue
