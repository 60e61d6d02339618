"""The site: every page is in it, and every link leads somewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from telco_churn.paths import project_home

HOME = project_home()


class Addresses(HTMLParser):
    """What a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in ("script", "img", "source"):
            self.fetched.add(found.get("src") or "")
        if tag == "link" and found.get("rel") != "canonical":
            self.fetched.add(found.get("href") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built strictly: a broken link, or a page that the navigation lacks, fails it."""
    directory = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(directory)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=HOME, capture_output=True, text=True, env=environment)
    assert built.returncode == 0, built.stderr
    return directory


def test_every_page_is_there(site: Path) -> None:
    pages = {path.stem for path in (HOME / "docs").glob("*.md")} - {"index"}
    assert pages <= {path.name for path in site.iterdir() if (path / "index.html").is_file()}


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        addresses = Addresses()
        addresses.feed(page.read_text("utf-8"))
        assert not [one for one in addresses.fetched if one.startswith(("http", "//"))], page
