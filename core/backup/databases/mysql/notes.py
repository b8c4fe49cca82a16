"""Notes of a swap, in a small table beside the former one: what an undo or a recovery needs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from core.backup.databases.mysql.inspect import text
from core.backup.databases.mysql.names import NOTE, former_pattern
from core.backup.databases.mysql.session import Session
from core.backup.databases.mysql.tokens import literal, quoted
from core.errors import Corrupt
from core.model.tables import ForeignKey, Trigger

#: A swap that was begun, and one that is complete: then only the former table is left.
BEGUN, DONE = "begun", "done"
NOTE_COMMENT = "strongroom: the note of a restore"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a table has that the database names once: triggers, and foreign keys with a name."""

    triggers: tuple[Trigger, ...] = ()
    keys: tuple[ForeignKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """A swap: `new` becomes `table`, which becomes `old` (empty if there was no table).

    `before` and `after` are the contents of `table` before and after the swap; `children` are the
    foreign keys of other tables to it, with the names of these tables; `comment` is that of the new
    table. The note is beside `beside`, the former table or the one that is loaded.
    """

    beside: str
    table: str
    new: str
    old: str
    state: str
    before: Contents
    after: Contents
    children: tuple[tuple[str, ForeignKey], ...] = ()
    comment: str = ""

    @property
    def name(self) -> str:
        """The name of the note."""
        return self.beside + NOTE

    def reversed(self, trash: str, children: tuple[tuple[str, ForeignKey], ...]) -> Note:
        """Return the note of the swap that undoes this one and calls the present table `trash`."""
        return replace(
            self, new=self.beside, old=trash, state=BEGUN, before=self.after, after=self.before,
            children=children,
        )  # fmt: skip

    @property
    def undoes(self) -> bool:
        """Whether this is the swap that restores the former table."""
        return self.new == self.beside and former_pattern.fullmatch(self.beside) is not None

    def abandoned(self) -> Note:
        """Return the note of a complete swap, of which the undo was begun but not carried out."""
        return replace(
            self, new="", old=self.beside, state=DONE, before=self.after, after=self.before
        )

    def write(self, session: Session) -> None:
        """Write the note, in one statement."""
        rows = [
            ("table", self.table, ""),
            ("swap", self.new, self.old),
            ("state", self.state, self.comment),
        ]
        for place, contents in (("before", self.before), ("after", self.after)):
            rows += [(f"{place} trigger", t.name, _json(t)) for t in contents.triggers]
            rows += [(f"{place} key", k.name, _json(k)) for k in contents.keys]
        rows += [("child key", child, _json(key)) for child, key in self.children]
        values = ",".join(f"({','.join(map(literal, row))})" for row in rows)
        name = quoted(self.name)
        create_note(session, self.beside)
        session.run("START TRANSACTION")
        session.run(f"DELETE FROM {name}")  # noqa: S608 - the name is quoted
        session.run(f"INSERT INTO {name} (kind, name, text) VALUES {values}")  # noqa: S608 - literals
        session.run("COMMIT")

    @classmethod
    def read(cls, session: Session, beside: str) -> Self | None:
        """Return the note beside a table; None if it was not completely written.

        Raises:
            Corrupt: The note cannot be read.
        """
        rows = [
            tuple(map(text, row))
            for row in session.query(
                f"SELECT kind, name, text FROM {quoted(beside + NOTE)} ORDER BY number"  # noqa: S608 - the name is quoted
            )
        ]
        single = {kind: (name, value) for kind, name, value in rows}
        if "table" not in single:
            return None
        try:
            before, after = (
                Contents(
                    tuple(_trigger(value) for k, _, value in rows if k == f"{place} trigger"),
                    tuple(_key(value) for k, _, value in rows if k == f"{place} key"),
                )
                for place in ("before", "after")
            )
            new, old = single["swap"]
            children = tuple((child, _key(value)) for k, child, value in rows if k == "child key")
            state, comment = single["state"]
            return cls(
                beside, single["table"][0], new, old, state, before, after, children, comment
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Corrupt(
                "The note of a restore cannot be read", cause=str(error), subject=beside + NOTE
            ) from error


def create_note(session: Session, beside: str) -> None:
    """Create the empty note beside a table, if it does not exist."""
    session.run(
        f"CREATE TABLE IF NOT EXISTS {quoted(beside + NOTE)} "
        "(number INT AUTO_INCREMENT PRIMARY KEY, "
        "kind VARCHAR(20) NOT NULL, name VARCHAR(64) NOT NULL, text LONGTEXT NOT NULL) "
        "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin "
        f"COMMENT={literal(NOTE_COMMENT)}"
    )


def _json(value: Any) -> str:
    return json.dumps(asdict(value), ensure_ascii=False)


def _trigger(value: str) -> Trigger:
    body = json.loads(value)
    return Trigger(**{**body, "columns": tuple(body["columns"])})


def _key(value: str) -> ForeignKey:
    body = json.loads(value)
    lists = {name: tuple(body[name]) for name in ("columns", "references")}
    return ForeignKey(**{**body, **lists})
