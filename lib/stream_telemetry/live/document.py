"""The page as one document, with its style and its script inside, and what it forbids itself."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from stream_telemetry.live.condition import CONDITIONS


@dataclass(frozen=True)
class Document:
    """The page.

    Attributes:
        text: HTML that needs no other file.
        headers: what it may do, for a browser.
    """

    text: str
    headers: tuple[tuple[str, str], ...]


def read_document() -> Document:
    """The page, put together from the files of this package."""
    folder = files(__package__)
    # Also from a zip, as --py-files brings it.
    page, style, script = (
        folder.joinpath(f"page.{kind}").read_text("utf-8") for kind in ("html", "css", "js")
    )
    meanings = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(meaning)}</dd>" for name, meaning in CONDITIONS.items()
    )
    # Nothing may be loaded, framed or sent; what is inside is known by its hash. So even a text
    # that would slip through as markup could do nothing.
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Document(
        text=page.replace("/*style*/", style)
        .replace("/*script*/", script)
        .replace("<!--conditions-->", meanings),
        headers=(("Content-Security-Policy", policy), ("Referrer-Policy", "no-referrer")),
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
