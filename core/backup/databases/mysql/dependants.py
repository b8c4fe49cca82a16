"""Dependants of a table: views, triggers of other tables, routines, events, and foreign keys to it.

All of them refer to a table by its name, so they use the restored one at once. All but foreign keys
are examined by their text: the server checks them when they are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.backup.databases.grants import described_grants
from core.backup.databases.mysql.definers import refused_triggers
from core.backup.databases.mysql.grants import missing_grants
from core.backup.databases.mysql.inspect import text
from core.backup.databases.mysql.referring import UNSEEN, incoming, sees_all
from core.backup.databases.mysql.routines import bodies_of, unread
from core.backup.databases.mysql.session import Session
from core.backup.databases.mysql.swap import can_be_referenced
from core.backup.databases.mysql.tokens import literal, tokens
from core.errors import Corrupt
from core.model.database import Dependant, Reference
from core.model.tables import TableSchema

_VIEWS = """
SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS
WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME
"""
_OTHER_TRIGGERS = """
SELECT TRIGGER_NAME, ACTION_STATEMENT FROM information_schema.TRIGGERS
WHERE TRIGGER_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE <> {table} ORDER BY TRIGGER_NAME
"""


def dependants_of(session: Session, table: str) -> tuple[Dependant, ...]:
    """Return the dependants of a table, which need not exist, with their present problems."""
    found = [Dependant("foreign key", _key_name(key)) for key in incoming(session, table)]
    found += [Dependant("view", name) for name in _views(session, table)]
    statement = _OTHER_TRIGGERS.format(table=literal(table))
    for name, body in session.query(statement):
        if table.lower() in _names(text(body)):
            found.append(Dependant("trigger", text(name)))
    for (kind, name), body in bodies_of(session).items():
        if table.lower() in _names(body):
            found.append(Dependant(kind, name))
    return tuple(found)


def _views(session: Session, table: str) -> list[str]:
    """Return the views that read a table, also through other views."""
    views = {text(name): _names(text(body)) for name, body in session.query(_VIEWS)}
    names, found = {table.lower()}, list[str]()
    while more := [name for name, used in views.items() if name not in found and used & names]:
        found += more
        names |= {name.lower() for name in more}
    return sorted(found)


def _names(body: str) -> frozenset[str]:
    """Return the identifiers in a text in lower case; all words if it cannot be read."""
    try:
        found = tokens(body, hints=True)
    except Corrupt:
        return frozenset(word.strip("`.,;()").lower() for word in body.split())
    return frozenset(t.value.lower() for t in found if t.kind in ("quoted", "word"))


def dependants_after(
    session: Session, schema: TableSchema, today: TableSchema | None
) -> tuple[Dependant, ...]:
    """Return the dependants of `schema.table` with the problems of a restore, and missing grants."""
    references = incoming(session, schema.table)
    columns = {column.name.lower() for column in schema.columns}
    lost = [c.name for c in today.columns if c.name.lower() not in columns] if today else []
    bodies = _bodies(session)
    found = []
    for each in dependants_of(session, schema.table):
        problem = _problem(each, references, schema, bodies, lost)
        blocks = bool(problem) and each.kind == "foreign key"
        found.append(replace(each, problem=problem, blocks=blocks))
    found += refused_triggers(session, today.triggers if today else ())
    if today is not None and not sees_all(session):
        found.append(Dependant("foreign key", "of other databases", UNSEEN))
    for role, privileges in described_grants(missing_grants(session, schema)):
        found.append(Dependant("grant", role, f"It is only restored on request: {privileges}."))
    return tuple(found)


def dependants_before(
    session: Session, schema: TableSchema, today: TableSchema | None
) -> tuple[Dependant, ...]:
    """Return the result of `dependants_after` for a preview, and what the user cannot see."""
    found = dependants_after(session, schema, today)
    return found if today is None else (*found, *unread(session))


def _bodies(session: Session) -> dict[tuple[str, str], str]:
    views = {("view", text(name)): text(body) for name, body in session.query(_VIEWS)}
    rows = session.query(_OTHER_TRIGGERS.format(table="''"))
    triggers = {("trigger", text(name)): text(body) for name, body in rows}
    return views | triggers | bodies_of(session)


def _problem(
    found: Dependant,
    references: Sequence[Reference],
    schema: TableSchema,
    bodies: dict[tuple[str, str], str],
    lost: Sequence[str],
) -> str:
    if found.kind == "foreign key":
        keys = [key for key in references if _key_name(key) == found.name]
        if any(not can_be_referenced(schema, key.parents) for key in keys):
            return "refers to columns without an index in this schema"
        if any(key.database for key in keys):
            return "belongs to another database, and prevents a restore in place"
        return ""
    used = _names(bodies.get((found.kind, found.name), ""))
    names = [name for name in lost if name.lower() in used]
    return f"uses columns that this schema does not have: {', '.join(names)}" if names else ""


def _key_name(reference: Reference) -> str:
    return f"{reference.table} ({', '.join(reference.columns)})"
