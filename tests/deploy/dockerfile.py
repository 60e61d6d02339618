"""The Dockerfile, as a list of its instructions."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from sources import HOME

PATH = HOME / "deploy" / "Dockerfile"


@dataclass(frozen=True)
class Instruction:
    """One instruction; its words as Docker divides them, so that a command is one word."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """Its words; those of a list, where it has one."""
        return list(json.loads(self.text)) if self.text.startswith("[") else shlex.split(self.text)


def instructions() -> list[Instruction]:
    """All of them, in their order."""
    lines = [line for line in PATH.read_text("utf-8").splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    pairs = (line.split(maxsplit=1) for line in joined if line)
    return [Instruction(name, " ".join(text.split())) for name, text in pairs]


def copied() -> Iterator[tuple[str, str]]:
    """What comes from the project into the image: its path there, and in the image."""
    for instruction in instructions():
        *sources, target = instruction.words
        if instruction.name == "COPY" and not sources[0].startswith("--from"):
            for source in sources:
                yield source, source if target.endswith("/") else target


def environment() -> dict[str, str]:
    """The variables that its last stage ends up with."""
    pairs = [word.split("=", 1) for i in instructions() if i.name == "ENV" for word in i.words]
    return {name: value for name, value in pairs}
