"""Dependants of a table: views, triggers, foreign keys and full-text indexes.

A dependant is found by its text and confirmed by compiling it: SQLite reports every table that a
statement reads. The compilation also shows whether it works after a restore, both before it (in an
empty copy of the schema) and inside its transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import apsw

from core.backup.databases.sqlite.former_names import is_note
from core.backup.databases.sqlite.inspect import external_content
from core.backup.databases.sqlite.scratch import schema_with
from core.backup.databases.sqlite.tokens import quoted, tokens
from core.errors import Corrupt
from core.model.database import Dependant, Reference
from core.model.tables import TableSchema

#: A statement that fails for one of these cannot be compiled here at all; that says nothing
#: about the restore.
_UNKNOWN_HERE = re.compile(r"no such (function|collation sequence|module|tokenizer)|unsafe use of")
_TOUCHING = frozenset(
    (apsw.SQLITE_READ, apsw.SQLITE_INSERT, apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE)
)
_COMPILED = ("view", "trigger")
_FULL_TEXT = frozenset(("fts3", "fts4", "fts5"))


@dataclass(frozen=True, slots=True)
class SchemaObject:
    """One entry of SQLite's schema table."""

    kind: str
    name: str
    table: str
    sql: str

    @property
    def module(self) -> str:
        """The module of a virtual table, in lower case; empty for anything else."""
        found = re.match(
            r"\s*CREATE\s+VIRTUAL\s+TABLE\b.*?\bUSING\s+(\w+)", self.sql, re.IGNORECASE | re.DOTALL
        )
        return found[1].lower() if found and self.kind == "table" else ""

    def mentions(self, names: frozenset[str]) -> bool:
        """Return whether any of these names, in lower case, is an identifier in the text.

        The arguments of a virtual table may name one in any quotes.
        """
        kinds = {"word", "quoted", "string"} if self.module else {"word", "quoted"}
        try:
            found = tokens(self.sql)
            return any(token.kind in kinds and token.name.lower() in names for token in found)
        except Corrupt:
            text = self.sql.lower()
            return any(name in text for name in names)


def dependants_of(
    connection: apsw.Connection, table: str, references: Sequence[Reference]
) -> tuple[Dependant, ...]:
    """Return the dependants of a table, which need not exist, with their present problems."""
    every = _objects(connection)
    views = _views(connection, every, table)
    names = frozenset((table.lower(), *(view.name.lower() for view in views)))
    found = [Dependant("foreign key", _key_name(reference)) for reference in references]
    found += views
    for item in every:
        if item.kind == "trigger" and item.table.lower() == table.lower():
            found += _filled_by(item, every)
        elif item.kind == "trigger" and item.mentions(names):
            touched, error = _compiled(connection, item)
            if error or touched & names:
                found.append(Dependant("trigger", item.name, error))
        elif item.module and item.mentions(names):
            found.append(_of_virtual(item, names))
    return tuple(dict.fromkeys(found))


def _views(
    connection: apsw.Connection, every: Sequence[SchemaObject], table: str
) -> list[Dependant]:
    """Return the views that read the table, also through other views."""
    names = frozenset((table.lower(),))
    views = [item for item in every if item.kind == "view"]
    while True:
        mentioning = [view for view in views if view.mentions(names)]
        more = names | {view.name.lower() for view in mentioning}
        if more == names:
            break
        names = more
    found = []
    for view in mentioning:
        touched, error = _compiled(connection, view)
        if error or table.lower() in touched:
            found.append(Dependant("view", view.name, error))
    return found


def _objects(connection: apsw.Connection) -> list[SchemaObject]:
    rows = connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid"
    ).fetchall()
    found = (SchemaObject(str(k), str(n), str(t), str(s)) for k, n, t, s in rows)
    return [item for item in found if not is_note(connection, item.name)]


def _filled_by(trigger: SchemaObject, every: Sequence[SchemaObject]) -> Iterator[Dependant]:
    """Return virtual tables that triggers of the table fill: a restore does not run triggers."""
    for item in every:
        if not item.module or not trigger.mentions(frozenset((item.name.lower(),))):
            continue
        if (
            item.module in _FULL_TEXT
            and external_content(item.sql).lower() == trigger.table.lower()
        ):
            continue  # it is rebuilt
        yield Dependant(
            "virtual table",
            item.name,
            f"filled by the trigger {trigger.name}, which a restore does not run: fill it again "
            "yourself",
        )


def _of_virtual(item: SchemaObject, names: frozenset[str]) -> Dependant:
    if item.module in _FULL_TEXT and external_content(item.sql).lower() in names:
        return Dependant("full-text index", item.name)
    return Dependant("virtual table", item.name, "not updated by a restore: update it afterwards")


def _compiled(connection: apsw.Connection, item: SchemaObject) -> tuple[frozenset[str], str]:
    """Compile a use of a view or trigger; return the tables it reads and SQLite's error."""
    touched: set[str] = set()

    def note(operation: int, first: str | None, *_others: str | None) -> int:
        if operation in _TOUCHING and first:
            touched.add(first.lower())
        return apsw.SQLITE_OK

    connection.authorizer = note
    try:
        connection.execute(f"EXPLAIN {_use_of(connection, item)}", can_cache=False).fetchall()
    except apsw.InterruptError:
        raise
    except apsw.Error as error:
        text = str(error)
        return frozenset(touched), "" if _UNKNOWN_HERE.search(text) else text
    finally:
        connection.authorizer = None
    return frozenset(touched), ""


def _use_of(connection: apsw.Connection, item: SchemaObject) -> str:
    """Return a statement that makes SQLite compile a view or trigger."""
    if item.kind == "view":
        return f"SELECT * FROM {quoted(item.name)} LIMIT 0"  # noqa: S608 - the name is quoted
    table = quoted(item.table)
    event = next(
        t.text.upper() for t in tokens(item.sql) if t.matches("INSERT", "UPDATE", "DELETE")
    )
    if event == "DELETE":
        return f"DELETE FROM {table}"  # noqa: S608 - the name is quoted
    if event == "INSERT":
        return f"INSERT INTO {table} DEFAULT VALUES"
    rows = connection.execute(
        "SELECT name FROM pragma_table_xinfo(?) WHERE hidden=0", (item.table,)
    ).fetchall()
    changes = ", ".join(f"{quoted(str(name))}={quoted(str(name))}" for (name,) in rows)
    return f"UPDATE {table} SET {changes}"  # noqa: S608 - the names are quoted


def dependants_after(
    connection: apsw.Connection,
    schema: TableSchema,
    references: Sequence[Reference],
    today: TableSchema | None,
) -> tuple[Dependant, ...]:
    """Return the dependants of `schema.table` with their problems after a restore.

    They are determined in an empty copy of the schema with the table of the backup.
    """
    before = dependants_of(connection, schema.table, references)
    others = [(i.name, i.sql) for i in _objects(connection) if _is_other(i, schema.table)]
    with schema_with(schema, others) as copy:
        again = {(d.kind, d.name): d.problem for d in dependants_of(copy, schema.table, ())}
    return tuple(
        _judged(dependant, again.get((dependant.kind, dependant.name), dependant.problem))
        if dependant.kind in _COMPILED
        else _key_judged(dependant, references, schema, today)
        for dependant in before
    )


def _is_other(item: SchemaObject, table: str) -> bool:
    return table.lower() not in (item.name.lower(), item.table.lower()) and item.kind != "index"


def dependants_now(
    connection: apsw.Connection,
    schema: TableSchema,
    before: Sequence[Dependant],
    references: Sequence[Reference],
    today: TableSchema | None,
) -> tuple[Dependant, ...]:
    """Rebuild the full-text indexes of a restored table, and return all dependants."""
    again = {(d.kind, d.name): d for d in dependants_of(connection, schema.table, ())}
    found = []
    for dependant in before:
        now = again.get((dependant.kind, dependant.name), dependant)
        if dependant.kind == "full-text index":
            found.append(replace(dependant, problem=rebuilt(connection, dependant.name)))
        elif dependant.kind in _COMPILED:
            found.append(_judged(dependant, now.problem))
        else:
            found.append(_key_judged(dependant, references, schema, today))
    return tuple(found)


def rebuild_indexes(connection: apsw.Connection, table: str) -> tuple[str, ...]:
    """Rebuild the full-text indexes over a table, and return failures with their names."""
    names = [d.name for d in dependants_of(connection, table, ()) if d.kind == "full-text index"]
    problems = ((name, rebuilt(connection, name)) for name in names)
    return tuple(f"{name}: {problem}" for name, problem in problems if problem)


def rebuilt(connection: apsw.Connection, index: str) -> str:
    """Rebuild a full-text index from its rows; return the problem, or an empty string."""
    name = quoted(index)
    try:
        with connection:  # a savepoint: a failure leaves the transaction as it was
            connection.execute(f"INSERT INTO {name}({name}) VALUES ('rebuild')")  # noqa: S608 - the name is quoted
    except apsw.InterruptError:
        raise
    except apsw.Error as error:
        return f"could not be rebuilt, so searches return the former rows: {error}"
    return ""


def _judged(before: Dependant, problem: str) -> Dependant:
    if not problem:
        return replace(before, problem="")
    text = "does not work, as before" if before.problem else "does not work with this schema"
    return replace(before, problem=f"{text}: {problem}")


def _key_name(reference: Reference) -> str:
    return f"{reference.table} ({', '.join(reference.columns)})"


def _key_judged(
    dependant: Dependant,
    references: Sequence[Reference],
    schema: TableSchema,
    today: TableSchema | None,
) -> Dependant:
    for reference in references:
        if dependant.kind != "foreign key" or _key_name(reference) != dependant.name:
            continue
        if not _can_be_pointed_to(schema, reference):
            if today is not None and not _can_be_pointed_to(today, reference):
                return dependant  # it did not work before
            return replace(dependant, problem="refers to columns without a key in this schema")
    return dependant


def _can_be_pointed_to(schema: TableSchema, reference: Reference) -> bool:
    if not reference.parents:
        return schema.primary is not None and len(schema.primary.parts) == len(reference.columns)
    wanted = {name.lower() for name in reference.parents}
    keys = [key.parts for key in schema.keys]
    keys += [index.parts for index in schema.indexes if index.unique and index.where is None]
    return any({part.name.lower() for part in parts} == wanted for parts in keys)
