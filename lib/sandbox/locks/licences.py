"""Under which licence a package or a jar comes, by what it says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from zipfile import ZipFile

_SPDX_WORD = re.compile(r"AND|OR|WITH|0BSD|MIT|Zlib|[A-Za-z]+-[\w.-]+")
# What jars write in their place, the first that fits.
_KNOWN = (
    (r"(?i)apache.{0,40}2\.0", "Apache-2.0"),
    (r"BSD-2-Clause", "BSD-2-Clause"),
    (r"(?i)\bedl\b", "BSD-3-Clause"),
    (r"\bMIT\b|mit-license", "MIT"),
)
# Nothing in these jars says it; their projects do.
_TOLD_ELSEWHERE = {
    "com.dynatrace.hash4j:hash4j": "Apache-2.0",
    "com.google.re2j:re2j": "BSD-3-Clause",
    "com.yammer.metrics:metrics-core": "Apache-2.0",
    "org.pcollections:pcollections": "MIT",
}
_BESIDE_CLASSES = re.compile(r"(META-INF/)?LICENSE(\.\w+)?")
_POM = re.compile(r"META-INF/maven/.+/pom\.xml")


def is_spdx(licence: str) -> bool:
    """Whether it is an expression of SPDX identifiers rather than a name."""
    return all(_SPDX_WORD.fullmatch(word) for word in licence.split())


def package_licence(name: str) -> str | None:
    """The licence of an installed Python package: an SPDX expression, or the name it gives.

    None if the package is not installed here, or says nothing.
    """
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return None
    for field in ("License-Expression", "License"):
        # Some put a whole text there.
        if field in told and told[field] and "\n" not in told[field]:
            return str(told[field])
    classes = [text for text in told.get_all("Classifier", []) if text.startswith("License ::")]
    return classes[-1].rpartition(" :: ")[2] if classes else None


def jar_licence(jar: Path, coordinates: str) -> str | None:
    """The licence of a jar, as an SPDX identifier or the words that it has for it.

    Args:
        jar: The file.
        coordinates: Its `group:artifact:version`.

    Returns:
        None if it is not there, or says nothing.
    """
    if not jar.is_file():
        return None
    with ZipFile(jar) as archive:
        for words in _words(archive):
            for pattern, licence in _KNOWN:
                if re.search(pattern, words):
                    return licence
    return _TOLD_ELSEWHERE.get(coordinates.rpartition(":")[0])


def _words(jar: ZipFile) -> Iterator[str]:
    """What a jar says of its licence: manifest, project file, beginning of its text."""
    names = jar.namelist()
    if "META-INF/MANIFEST.MF" in names:
        manifest = re.sub(
            r"\r?\n ", "", jar.read("META-INF/MANIFEST.MF").decode("utf-8", "replace")
        )
        yield from re.findall(r"^Bundle-License: *(.*)$", manifest, re.MULTILINE)
    for name in filter(_POM.fullmatch, names):
        yield from re.findall(r"<license>.*?</license>", jar.read(name).decode(), re.DOTALL)
    for name in filter(_BESIDE_CLASSES.fullmatch, names):
        yield " ".join(jar.read(name)[:300].decode("utf-8", "replace").split())
