"""The file of connection profiles: how keys are got, never a key."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Any

from core.errors import InvalidInput, NotFound
from core.local.atomic import quarantine, translate_os_errors, write_atomically
from core.local.json_lines import UNREADABLE
from core.local.locking import locked
from core.local.profile_check import check_profile
from core.model.connection import KeySource, Profile, ProfileColour
from core.paths import config_dir

#: The embedded server's profile: made at each start, never stored.
DEMO_NAME = "demo"

_FORMAT = 1


@dataclass(slots=True)
class _Book:
    """What the file holds."""

    current: str = ""
    profiles: dict[str, Profile] = field(default_factory=dict)


class ProfileStore:
    """Profiles by name in one JSON file; safe to use from several threads and processes.

    A file that cannot be read is set aside, its usable profiles are retained, and `problem` names
    the others.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or config_dir() / "profiles.json"
        self._lock = threading.Lock()
        self.problem = ""

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    def list(self) -> tuple[Profile, ...]:
        """Return all profiles in the order they were made."""
        return tuple(self._current_book().profiles.values())

    def get(self, name: str) -> Profile:
        """Return one profile.

        Raises:
            NotFound: no profile of that name is stored.
        """
        profile = self._current_book().profiles.get(name)
        if profile is None:
            raise NotFound(
                f"There is no profile named {name}",
                cause=f"{self._path} does not list it.",
                remedy="Choose one from the list, or make it in the Credentials tab or with "
                "`strongroom setup`.",
                subject=name,
            )
        return profile

    def save(self, profile: Profile, *, replaces: str = "") -> None:
        """Store a profile, in the place of the one named `replaces` if that was its old name.

        Raises:
            InvalidInput: a field is not valid, or another profile has that name.
            LocalIOError: the file could not be written; the old one is untouched.
        """
        check_profile(profile)
        if profile.name == DEMO_NAME:
            raise InvalidInput("The name demo is the embedded server's", remedy="Choose another.")
        with self._locked():
            book = self._load()
            if replaces and profile.name != replaces and profile.name in book.profiles:
                raise InvalidInput(
                    f"There is a profile named {profile.name} already", remedy="Choose another."
                )
            old = replaces or profile.name
            renamed = {profile.name if n == old else n: p for n, p in book.profiles.items()}
            renamed[profile.name] = profile
            current = profile.name if book.current in {"", old} else book.current
            self._store(_Book(current, renamed))

    def delete(self, name: str) -> None:
        """Forget a profile; a name that is not there is no error."""
        with self._locked():
            book = self._load()
            if book.profiles.pop(name, None) is not None:
                book.current = "" if book.current == name else book.current
                self._store(book)

    def current(self) -> Profile | None:
        """Return the profile that was used last, or None."""
        book = self._current_book()
        return book.profiles.get(book.current)

    def set_current(self, name: str) -> None:
        """Remember which profile is used; the demo and unknown names are not remembered."""
        with self._locked():
            book = self._load()
            if name in book.profiles and book.current != name:
                book.current = name
                self._store(book)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock, locked(self._path):
            yield

    def _current_book(self) -> _Book:
        """Return what the file holds; the lock is needed only to set a broken file aside."""
        book, broken = self._read()
        if not broken:
            return book
        with self._locked():
            return self._load()

    def _load(self) -> _Book:
        book, broken = self._read()
        if broken:
            self._set_aside(book, broken)
        return book

    def _read(self) -> tuple[_Book, Sequence[str]]:
        """Return the usable profiles, and the names of those that cannot be read."""
        with translate_os_errors(self._path, "read"):
            try:
                data = self._path.read_bytes()
            except FileNotFoundError:
                return _Book(), []
        try:
            return _parsed(json.loads(data))
        except UNREADABLE:  # not JSON, or not our form
            return _Book(), ["the whole file"]

    def _set_aside(self, book: _Book, broken: Sequence[str]) -> None:
        aside = quarantine(self._path)
        self.problem = f"Profiles that could not be read: {', '.join(broken)}. Kept in {aside}."
        if book.profiles:
            self._store(book)

    def _store(self, book: _Book) -> None:
        content = {
            "format": _FORMAT,
            "current": book.current,
            "profiles": [_written(profile) for profile in book.profiles.values()],
        }
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        write_atomically(self._path, text.encode())


def _parsed(content: Any) -> tuple[_Book, list[str]]:
    book, broken = _Book(str(content.get("current", ""))), []
    for entry in content["profiles"]:
        try:
            profile = _profile(entry)
            check_profile(profile)
        except (InvalidInput, ValueError, TypeError, AttributeError):
            broken.append(str(entry.get("name", "?") if isinstance(entry, dict) else "?"))
        else:
            book.profiles[profile.name] = profile
    return book, broken


def _profile(entry: dict[str, Any]) -> Profile:
    """Read one entry; fields of a later version are left out."""
    known = {spec.name for spec in fields(Profile)}
    values = {name: value for name, value in entry.items() if name in known}
    if any(not isinstance(value, str | None) for value in values.values()):
        message = "a profile's fields are texts"
        raise TypeError(message)
    values["source"] = KeySource(values["source"]) if "source" in values else KeySource.KEYRING
    values["colour"] = ProfileColour(values.get("colour", ProfileColour.BLUE.value))
    return Profile(**values)


def _written(profile: Profile) -> dict[str, Any]:
    values = {spec.name: getattr(profile, spec.name) for spec in fields(Profile)}
    return {
        name: value.value if isinstance(value, Enum) else value
        for name, value in values.items()
        if value is not None
    }
