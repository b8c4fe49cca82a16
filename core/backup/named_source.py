"""The backups of a database that is named by its source: another one than that of the restore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.errors import Conflict, NotFound
from core.hints import Hint
from core.model.backup import Backup, Origin
from core.units import format_moment

_MOST_NAMED = 5


def backups_of_source(found: Sequence[Backup], name: str) -> list[Backup]:
    """Return the backups of the database with a name, a path, or the text of its origin.

    Args:
        found: The backups, newest first.
        name: The name.

    Raises:
        Conflict: Several databases have this name.
        NotFound: There are no backups of it.
    """
    origins: dict[Origin, Backup] = {}
    for one in found:
        if one.origin.database:
            origins.setdefault(one.origin, one)
    matches = {each: one for each, one in origins.items() if name == str(each)} or {
        each: one
        for each, one in origins.items()
        if name in {each.database, each.path, f"{each.host}:{each.path}"}
    }
    if not matches:
        raise NotFound(
            f"There are no backups of the database {name}",
            cause=newest_of(origins) or "The backups do not contain the name of their database.",
            remedy="Choose a database of which there are backups.",
            hints=Hint.SOURCE,
            subject=name,
        )
    if any(one.differs(other) for one in matches for other in matches):
        raise Conflict(
            f"The name {name} is that of {len(matches)} databases",
            cause=newest_of(matches),
            remedy="Choose one of them by its host and path.",
            hints=Hint.SOURCE,
            subject=name,
        )
    return [one for one in found if one.origin in matches]


def newest_of(origins: Mapping[Origin, Backup]) -> str:
    """Return sentences about the newest backups of databases."""
    return " ".join(
        f"The newest of {each} was taken {format_moment(one.taken)}."
        for each, one in list(origins.items())[:_MOST_NAMED]
    )
