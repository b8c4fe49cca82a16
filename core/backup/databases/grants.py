"""Privileges on a table in the form in which a backup records them.

Each is a text such as `reader:SELECT,UPDATE*` or `reader:SELECT on column price`. An asterisk means
that the role may grant the privilege on.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from core.errors import Corrupt

#: Kinds of objects of a table that have separate privileges.
COLUMN, SEQUENCE, PARTITION = "column", "sequence", "partition"
#: A name as PostgreSQL writes it, or the quoted user and host of MariaDB.
_ROLE = r"""(?P<role>"(?:[^"]|"")*"|'(?:[^']|'')*'(?:@'(?:[^']|'')*')?|[^"':][^:]*)"""
_GRANT = re.compile(
    rf"{_ROLE}:(?P<privileges>[^:]+?)(?: on (?P<kind>{COLUMN}|{SEQUENCE}|{PARTITION}) (?P<name>.+))?",
    re.DOTALL,
)
_GRANTABLE = "*"


@dataclass(frozen=True, slots=True)
class Grant:
    """Privileges of a role on the table itself, or on its column, sequence or partition `name`.

    `role` is written as the server writes it. A privilege that ends with `*` may be granted on.
    """

    role: str
    privileges: tuple[str, ...]
    kind: str = ""
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the recorded grant; its names and privileges are not checked.

        Raises:
            Corrupt: The text is not a grant.
        """
        found = _GRANT.fullmatch(text)
        if found is None:
            raise invalid_grant(text, "is not a grant")
        privileges = tuple(found["privileges"].split(","))
        return cls(found["role"], privileges, found["kind"] or "", found["name"] or "")

    def __str__(self) -> str:
        return f"{self.role}:{','.join(self.privileges)}{self._place}"

    @property
    def description(self) -> str:
        """The privileges and the object as they are shown beside the role."""
        return ", ".join(self.privileges) + self._place

    @property
    def _place(self) -> str:
        return f" on {self.kind} {self.name}" if self.kind else ""

    def checked(
        self, allowed: Mapping[str, Container[str]], names: Mapping[str, Container[str]]
    ) -> Iterable[tuple[str, bool]]:
        """Return the privileges, each with whether it may be granted on.

        Args:
            allowed: The privileges that exist, by kind of object.
            names: The objects that the table has, by kind.

        Raises:
            Corrupt: It is not a privilege of such an object, or not an object of the table.
        """
        if self.kind and self.name not in names.get(self.kind, ()):
            raise invalid_grant(str(self), f"names a {self.kind} that the table does not have")
        found = [
            (word.removesuffix(_GRANTABLE), word.endswith(_GRANTABLE)) for word in self.privileges
        ]
        if any(word not in allowed.get(self.kind, ()) for word, _ in found):
            raise invalid_grant(str(self), f"is not a privilege of a {self.kind or 'table'}")
        return found


def invalid_grant(text: str, problem: str) -> Corrupt:
    """Return the error for a recorded grant that cannot be used."""
    return Corrupt(
        "The backup contains an invalid grant",
        cause=f"{text[:100]!r} {problem}.",
        remedy="Restore without the owner and the grants of the backup.",
    )


def described_grants(grants: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Yield the role and the privileges of recorded grants for reading."""
    for text in grants:
        try:
            grant = Grant.parse(text)
        except Corrupt:
            yield text[:100], "unreadable"
        else:
            yield grant.role, grant.description


def with_names(grants: Iterable[str], kind: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """Return recorded grants, of which those on objects of a kind get the new names."""
    return tuple(_with_name(text, kind, names) for text in grants)


def _with_name(text: str, kind: str, names: Mapping[str, str]) -> str:
    found = _GRANT.fullmatch(text)
    if found is None or found["kind"] != kind:
        return text
    grant = Grant.parse(text)
    return str(replace(grant, name=names.get(grant.name, grant.name)))
