"""For the site: a link to a file of the project that is no page becomes its text."""

from __future__ import annotations

import re
from typing import Any

_OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./[^)]*\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page as the site has it; what MkDocs calls."""
    return _OUTSIDE.sub(r"\1", markdown)
