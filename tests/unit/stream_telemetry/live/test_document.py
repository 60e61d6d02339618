"""The page as a file: what it may do, what it needs, whether it can be read."""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
import zipfile
from configparser import ConfigParser
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import pytest
from sources import HOME

from stream_telemetry.live.condition import CONDITIONS
from stream_telemetry.live.document import read_document

PAGE = read_document()
POLICY = dict(PAGE.headers)["Content-Security-Policy"]
FOLDER = HOME / "lib" / "stream_telemetry" / "live"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(PAGE.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def values(self, name: str) -> list[str]:
        return [str(attributes[name]) for _, attributes in self.tags if name in attributes]


TAGS = Tags()


def inside(tag: str) -> str:
    (found,) = re.findall(rf"<{tag}>(.*?)</{tag}>", PAGE.text, re.DOTALL)
    return str(found)


def test_it_is_one_small_document_that_needs_no_other() -> None:
    assert len(PAGE.text.encode()) < 60_000
    assert TAGS.values("src") == []
    links = TAGS.values("href")
    assert "metrics" in links
    assert [link for link in links if re.match(r"[a-z]+:|/", link)] == [], "works below any path"
    assert "url(" not in inside("style")
    assert "@import" not in inside("style")


@pytest.mark.parametrize(("tag", "directive"), [("script", "script-src"), ("style", "style-src")])
def test_only_what_is_inside_may_run(tag: str, directive: str) -> None:
    digest = hashlib.sha256(inside(tag).encode()).digest()
    assert f"{directive} 'sha256-{base64.b64encode(digest).decode()}';" in POLICY


def test_everything_else_is_forbidden() -> None:
    directives = dict(part.strip().split(" ", 1) for part in POLICY.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["connect-src"] == "'self'"
    for name in ("base-uri", "form-action", "frame-ancestors"):
        assert directives[name] == "'none'"
    assert "unsafe" not in POLICY
    # Attributes that such a policy would stop.
    assert TAGS.values("style") == []
    assert [a for _, attributes in TAGS.tags for a in attributes if a.startswith("on")] == []


def test_its_script_makes_no_markup_of_what_it_is_told() -> None:
    words = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write\b|eval\(|DOMParser|new Function"
    )
    assert re.findall(words, inside("script")) == []


def test_every_place_that_its_script_names_is_there() -> None:
    named = set(re.findall(r'at\("([a-z-]+)"\)', inside("script")))
    named |= set(re.findall(r'(?:rows|bars|curve)\("([a-z-]+)"', inside("script")))
    ids = TAGS.values("id")
    assert len(ids) == len(set(ids))
    assert named <= set(ids)
    assert len(named) > 20


def test_each_condition_is_explained_on_it() -> None:
    for name, meaning in CONDITIONS.items():
        assert f"<dt>{name}</dt><dd>{meaning}</dd>" in PAGE.text


def test_each_word_for_a_condition_is_explained_in_the_docs() -> None:
    docs = (HOME / "docs" / "monitoring.md").read_text("utf-8")
    assert [name for name in CONDITIONS if f"| *{name}* |" not in docs] == []


def colours() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\}", inside("style"), re.DOTALL)
    found = {
        name: dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", text))
        for name, text in (("light", light), ("dark", dark))
    }
    assert found["light"].keys() == found["dark"].keys()
    return found


def luminance(colour: str) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(int(colour[n : n + 2], 16) / 255) for n in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("scheme", "ink", "paper"),
    [
        *product(
            ("light", "dark"),
            ("text", "quiet", "good", "busy", "warning", "bad", "link"),
            ("ground", "raised"),
        )
    ],
)
def test_every_text_can_be_read(scheme: str, ink: str, paper: str) -> None:
    chosen = colours()[scheme]
    lighter, darker = sorted((luminance(chosen[ink]), luminance(chosen[paper])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5, "WCAG 2.2, 1.4.3"


def test_it_travels_with_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ConfigParser()
    settings.read(HOME / "setup.cfg")
    with (HOME / "lib" / "stream_telemetry" / "pyproject.toml").open("rb") as file:
        alone = tomllib.load(file)["tool"]["setuptools"]["package-data"]
    for patterns in (
        settings["options.package_data"]["stream_telemetry.live"].split(),
        alone["stream_telemetry.live"],
    ):
        packed = {file.name for pattern in patterns for file in FOLDER.glob(pattern)}
        assert packed == {"page.html", "page.css", "page.js"}
    # As --py-files brings it.
    archive = tmp_path / "lib.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for name in ("__init__.py", "page.html", "page.css", "page.js"):
            made.write(FOLDER / name, f"zipped_page/{name}")
    monkeypatch.syspath_prepend(str(archive))
    monkeypatch.setattr("stream_telemetry.live.document.__package__", "zipped_page")
    assert read_document() == PAGE
