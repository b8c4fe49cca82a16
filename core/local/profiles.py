"""The stored connection profiles: where each gets its keys, never a key."""

from __future__ import annotations

import json
from pathlib import Path

from core.errors import InvalidInput, NotFound
from core.local.profile_check import check_profile, profile_of, record_of
from core.local.state.database import state_database
from core.local.unreadable import UNREADABLE
from core.model.connection import Profile

#: The embedded server's profile: made at each start, never stored.
DEMO_NAME = "demo"


class ProfileStore:
    """Profiles by name in the state database; safe to use from several threads and processes."""

    def __init__(self, folder: Path | None = None) -> None:
        """Use the user's database, or the one in another folder."""
        self._database = state_database(folder)

    def list(self) -> tuple[Profile, ...]:
        """Return all profiles that can be read, in the order they were made."""
        return tuple(self._read()[0].values())

    @property
    def problem(self) -> str:
        """Which profiles cannot be read and where they are; empty if there are none."""
        from core.local.state.reports import damaged_files, unreadable_entries

        lost = ", ".join(self._read()[1])
        found = [f"Profiles that cannot be read: {lost}."] if lost else []
        found += [
            f"Profiles that could not be imported: {', '.join(each.names)}. They are in {each.file}."
            for each in unreadable_entries(self._database, "profiles")
        ]
        found += [
            "The file with profiles and settings was damaged. What could be read was saved; the "
            f"damaged file is {path}. Delete it when you do not need it any more."
            for path in damaged_files(self._database)
        ]
        return " ".join(found)

    def get(self, name: str) -> Profile:
        """Return one profile.

        Raises:
            NotFound: no profile of that name is stored.
            LocalIOError: the database cannot be read.
        """
        profile = self._read()[0].get(name)
        if profile is None:
            raise NotFound(
                f"There is no profile named {name}",
                cause=f"{self._database.path} does not list it.",
                remedy="Choose a stored profile, create this one, or use the AWS_* variables.",
                subject=name,
            )
        return profile

    def save(self, profile: Profile, *, replaces: str = "") -> None:
        """Store a profile, in the place of the one named `replaces` if that was its old name.

        Raises:
            InvalidInput: a field is not valid, or another profile has that name.
            LocalIOError: it could not be written; nothing was changed.
        """
        check_profile(profile)
        if profile.name == DEMO_NAME:
            raise InvalidInput(
                "The name demo is reserved for the embedded server", remedy="Choose another name."
            )
        record, old = json.dumps(record_of(profile)), replaces or profile.name
        with self._database.transaction(durable=True) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM profiles")}
            if profile.name != old and profile.name in names:
                raise InvalidInput(
                    f"A profile named {profile.name} already exists", remedy="Choose another name."
                )
            values: tuple[str, ...] = (profile.name, record)
            if old in names:
                # An update, since a new row would move a renamed profile to the end of the list.
                sql = "UPDATE profiles SET name = ?, record = ? WHERE name = ?"
                values = (*values, old)
            else:
                sql = "INSERT INTO profiles (name, record) VALUES (?, ?)"
            connection.execute(sql, values)
            connection.execute(
                # The first stored profile becomes the current one.
                "INSERT INTO current_profile VALUES (1, ?) ON CONFLICT DO NOTHING",
                (profile.name,),
            )

    def delete(self, name: str) -> None:
        """Remove a profile; an unknown name is not an error.

        Raises:
            LocalIOError: it could not be written; nothing was changed.
        """
        self._database.execute("DELETE FROM profiles WHERE name = ?", (name,), durable=True)

    def current(self) -> Profile | None:
        """Return the profile that was used last, or None.

        Raises:
            LocalIOError: the database cannot be read.
        """
        rows = self._database.rows("SELECT name FROM current_profile")
        return self._read()[0].get(rows[0][0]) if rows else None

    def set_current(self, name: str) -> None:
        """Store which profile is used; the demo and unknown names are not stored.

        Raises:
            LocalIOError: it could not be written.
        """
        self._database.execute(
            "INSERT INTO current_profile SELECT 1, name FROM profiles WHERE name = ?"
            " ON CONFLICT DO UPDATE SET name = excluded.name WHERE name <> excluded.name",
            (name,),
        )

    def _read(self) -> tuple[dict[str, Profile], tuple[str, ...]]:
        """Return the usable profiles, and the names of those that cannot be read."""
        found, unreadable = {}, []
        for name, record in self._database.rows(
            "SELECT name, record FROM profiles ORDER BY position"
        ):
            try:
                profile = profile_of(json.loads(record))
                check_profile(profile)
            except (InvalidInput, *UNREADABLE):
                unreadable.append(name)
            else:
                found[name] = profile
        return found, tuple(unreadable)
