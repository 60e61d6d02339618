"""Versions of a model side by side, and which of them the job reads.

A version is a model's directory, and is never changed once it is there. What is put to use is
copied into the job's own directory, where the manifest is replaced last and in one step: so the job
finds one whole model or the other, and needs to know of no store.
"""

from __future__ import annotations

import fcntl
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from churn_tools.training.saving import put_model
from telco_churn.errors import ModelError, SettingsError
from telco_churn.model.manifest import Manifest, read_manifest
from telco_churn.model.verification import digests, verify_files

_HISTORY, _LOCK = "history", ".lock"
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def version_name(text: str) -> str:
    """A version's name, which is that of its directory too."""
    if not _VERSION.fullmatch(text) or text == _HISTORY:
        raise ValueError("is no version; use at most 64 letters, digits, '.', '_' and '-'")
    return text


@dataclass(frozen=True)
class Version:
    """One model: where it is, what it says of itself, and whether the job reads it."""

    path: Path
    manifest: Manifest
    is_in_use: bool


@dataclass(frozen=True)
class Store:
    """The versions in one directory.

    Attributes:
        directory: has a directory for each version.
        in_use: the directory that the job reads (`--model-path`).
    """

    directory: Path
    in_use: Path

    def versions(self) -> list[Version]:
        """All of them, the oldest first; the one that the job reads is there if it can be read."""
        current = self.current()
        found = {
            manifest.version: Version(path, manifest, is_in_use=False)
            for path in self._directories()
            if (manifest := _manifest(path)) is not None
        }
        if current is not None:
            kept = found.get(current.version, Version(self.in_use, current, is_in_use=True))
            found[current.version] = replace(kept, is_in_use=True)
        return sorted(found.values(), key=lambda version: version.manifest.created)

    def damaged(self) -> list[Path]:
        """What lies in the store like a version, and has no manifest that can be read."""
        return [path for path in self._directories() if _manifest(path) is None]

    def find(self, name: str) -> Version:
        """The version with this name.

        Raises:
            SettingsError: there is none; names those that there are.
        """
        for version in self.versions():
            if version.manifest.version == name:
                return version
        known = ", ".join(version.manifest.version for version in self.versions()) or "none"
        raise SettingsError(f"no version {name!r} in {self.directory}; there are: {known}")

    def current(self) -> Manifest | None:
        """The manifest of what the job reads; None if that is no model."""
        return _manifest(self.in_use)

    def check_new(self, name: str) -> None:
        """Makes sure that no version has this name yet.

        Raises:
            SettingsError: one has.
        """
        if (self.directory / name).exists() or name in {
            v.manifest.version for v in self.versions()
        }:
            raise SettingsError(
                f"there is a version {name!r} already; give another --model-version"
            )

    def add(self, made: Path, name: str) -> Path:
        """Takes over a model's directory, from below `directory`; gives its new place.

        Raises:
            SettingsError: a version has this name, or the directory cannot be moved.
        """
        with self._locked():
            self.check_new(name)
            return made.rename(self.directory / name)

    def use(self, name: str) -> Manifest:
        """Lets the job read this version, from its next start or its next look on.

        Raises:
            SettingsError: there is no such version, or the job's directory cannot be written.
            ModelError: its files are not those of its manifest.
        """
        with self._locked():
            current, past = self.current(), self._past()
            self._install(name)
            if current and current.version != name:
                past.append(current.version)
            self._write_history([*past, name])
        return self.find(name).manifest

    def rollback(self) -> Manifest:
        """Lets the job read the version before the one that it reads now.

        Raises:
            SettingsError: there was none before, or see `use`.
            ModelError: see `use`.
        """
        with self._locked():
            past = self._past()
            if not past:
                raise SettingsError(
                    "no version was in use before this one; choose one of `model.py list` by "
                    "`model.py use`"
                )
            self._install(past[-1])
            self._write_history(past)
        return self.find(past[-1]).manifest

    def _install(self, name: str) -> None:
        version = self.find(name)
        self._keep_current()
        if version.path != self.in_use:
            verify_files(version.path, version.manifest)
            put_model(_copy_of(version), version.manifest, self.in_use)

    def _keep_current(self) -> None:
        """Copies what the job reads into the store, unless it is there: `use` loses nothing."""
        current = self.current()
        if current is None or (self.directory / current.version).exists():
            return
        made = self.directory / f".{current.version}"
        shutil.rmtree(made, ignore_errors=True)
        try:
            verify_files(self.in_use, current)
        except ModelError:
            # Nobody can use it again, and it must not stand in the way of one that can be used.
            return
        put_model(_copy_of(Version(self.in_use, current, is_in_use=True)), current, made)
        made.rename(self.directory / current.version)

    def _directories(self) -> list[Path]:
        return sorted(path for path in self.directory.glob("[!.]*") if path.is_dir())

    def _past(self) -> list[str]:
        """The versions that were in use before the present one, the latest last."""
        path, current = self.directory / _HISTORY, self.current()
        names = path.read_text("utf-8").split() if path.exists() else []
        if current and current.version in names:
            # What follows was noted by a command that then came to nothing.
            del names[len(names) - 1 - names[::-1].index(current.version) :]
        return names

    def _write_history(self, names: list[str]) -> None:
        new = self.directory / f".{_HISTORY}"
        new.write_text("".join(f"{name}\n" for name in names), "utf-8")
        new.replace(self.directory / _HISTORY)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Nobody else changes the store meanwhile."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with (self.directory / _LOCK).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise SettingsError(f"cannot use the store {self.directory}: {error}") from error


def _manifest(path: Path) -> Manifest | None:
    try:
        return read_manifest(path)
    except ModelError:
        return None


def _copy_of(version: Version) -> Callable[[Path], None]:
    """What copies the version's pipeline to a place."""
    manifest = version.manifest
    listed = {name.partition("/")[2]: digest for name, digest in manifest.files.items()}

    def copy(place: Path) -> None:
        shutil.copytree(version.path / manifest.pipeline, place)
        found = digests(place.parent, place.name)
        if {name.partition("/")[2]: digest for name, digest in found.items()} != listed:
            raise ModelError(f"model {version.path} was changed while it was copied; try again")

    return copy
