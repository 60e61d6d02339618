from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest

from sandbox.locks.licences import is_spdx, jar_licence, package_licence

POM = "<project><licenses><license><name>The MIT License</name></license></licenses></project>"


@pytest.mark.parametrize(
    ("name", "content", "licence"),
    [
        (
            "META-INF/MANIFEST.MF",
            "Manifest-Version: 1.0\r\nBundle-License: https://apache.org/lic\r\n enses/LICENSE-2.0",
            "Apache-2.0",
        ),
        ("META-INF/maven/a/b/pom.xml", POM, "MIT"),
        ("META-INF/LICENSE", "\n   Apache License\n   Version 2.0, January 2004\n", "Apache-2.0"),
        ("META-INF/other/LICENSE", "Apache License Version 2.0", None),
    ],
    ids=["manifest", "project file", "text", "of something inside"],
)
def test_a_jar_says_its_licence_in_one_of_three_places(
    tmp_path: Path, name: str, content: str, licence: str | None
) -> None:
    with ZipFile(tmp_path / "a.jar", "w") as jar:
        jar.writestr(name, content)
    assert jar_licence(tmp_path / "a.jar", "a:b:1.0") == licence


def test_a_jar_that_says_nothing_has_the_licence_that_its_project_tells(tmp_path: Path) -> None:
    ZipFile(tmp_path / "a.jar", "w").close()
    assert jar_licence(tmp_path / "a.jar", "org.pcollections:pcollections:9.0") == "MIT"
    assert jar_licence(tmp_path / "nowhere.jar", "org.pcollections:pcollections:9.0") is None


def test_an_installed_package_says_its_licence_and_another_does_not() -> None:
    assert package_licence("jsonschema") == "MIT"
    assert package_licence("nothing-like-it") is None


@pytest.mark.parametrize("name", ["MIT license", "BSD License", "Apache 2.0"])
def test_a_name_is_no_expression(name: str) -> None:
    assert not is_spdx(name)


@pytest.mark.parametrize(
    "expression",
    [
        *("MIT", "0BSD", "MIT-0", "Apache-2.0 OR BSD-3-Clause"),
        "GPL-2.0-only WITH Classpath-exception-2.0",
    ],
)
def test_an_expression_of_identifiers_is_one(expression: str) -> None:
    assert is_spdx(expression)
