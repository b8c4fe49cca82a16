"""Types that the columns of a table use and that belong neither to PostgreSQL nor to an extension."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from core.backup.databases.postgresql.names import (
    TableName,
    checked_definition,
    checked_fragment,
    checked_type,
    literal,
    quoted,
)
from core.backup.databases.postgresql.session import Session
from core.errors import Conflict, NotSupported, StorageError
from core.model.tables import TableSchema, UserType, type_text

if TYPE_CHECKING:
    from core.model.database import Dependant

#: The types that those of the table `used` consist of: elements of arrays, bases of domains, fields
#: of composites, and subtypes of ranges.
_BELOW = """
  SELECT x.oid, used.depth + 1 FROM used JOIN pg_type t ON t.oid = used.oid
  CROSS JOIN LATERAL (
    SELECT t.typelem WHERE t.typelem <> 0 AND t.typlen = -1
    UNION SELECT t.typbasetype WHERE t.typbasetype <> 0
    UNION SELECT a.atttypid FROM pg_attribute a
      WHERE a.attrelid = t.typrelid AND t.typrelid <> 0 AND a.attnum > 0 AND NOT a.attisdropped
    UNION SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
    UNION SELECT r.rngtypid FROM pg_range r WHERE t.oid = r.rngmultitypid
  ) x(oid) WHERE used.depth < 20
"""
#: All types below the columns of a table. A type follows the types that it uses.
_TYPES = f"""
WITH RECURSIVE used(oid, depth) AS (
  SELECT atttypid, 0 FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
  UNION {_BELOW}
)
SELECT t.oid, n.nspname::text, t.typname::text, t.typtype::text, t.typcategory::text,
  t.typnotnull, t.typdefault, format_type(t.typbasetype, t.typtypmod),
  (SELECT e.extname::text FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.objid = t.oid AND d.classid = 'pg_type'::regclass AND d.deptype = 'e')
FROM used JOIN pg_type t ON t.oid = used.oid JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname <> 'pg_catalog'
GROUP BY t.oid, n.nspname ORDER BY max(used.depth) DESC, 2, 3
"""  # noqa: S608 - a constant
_USED_BY = f"""
WITH RECURSIVE used(oid, depth) AS (SELECT to_regtype($1)::oid, 0 UNION {_BELOW})
SELECT n.nspname::text, t.typname::text FROM used JOIN pg_type t ON t.oid = used.oid
JOIN pg_namespace n ON n.oid = t.typnamespace ORDER BY used.depth
"""  # noqa: S608 - a constant
_LABELS = "SELECT enumlabel::text FROM pg_enum WHERE enumtypid = $1 ORDER BY enumsortorder"
_CHECKS = """
SELECT format('CONSTRAINT %I %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint
WHERE contypid = $1 AND contype = 'c' ORDER BY conname
"""
_FIELDS = """
SELECT format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid
WHERE t.oid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_SUBTYPE = "SELECT format_type(rngsubtype, NULL) FROM pg_range WHERE rngtypid = $1"
_KINDS = {"e": ("enum", _LABELS), "d": ("domain", _CHECKS), "c": ("composite", _FIELDS)}


def used_types(session: Session, table: int) -> tuple[tuple[UserType, ...], tuple[str, ...]]:
    """Return the user-defined types of a table's columns, and the extensions that define others.

    Args:
        session: An open connection.
        table: The object id of the table.

    Raises:
        NotSupported: When a column uses a type that is written in C outside of an extension.
    """
    types: list[UserType] = []
    extensions: set[str] = set()
    for row in session.query(_TYPES, (table,)):
        oid, schema, name, kind, category, *rest, extension = row
        if extension:
            extensions.add(extension)
        elif kind == "b" and category == "A":
            continue  # an array: its element type is in the list
        elif kind == "m":
            continue  # a multirange: created together with its range
        else:
            types.append(_user_type(session, oid, TableName(schema, name), kind, rest))
    return tuple(types), tuple(sorted(extensions))


def _user_type(
    session: Session, oid: int, name: TableName, kind: str, rest: Sequence[Any]
) -> UserType:
    not_null, default, base = rest
    if kind == "r":
        return UserType(str(name), "range", base=session.value(_SUBTYPE, (oid,)))
    if kind not in _KINDS:
        raise NotSupported(
            f"The type {name} is defined in C",
            cause="It belongs to no extension, so that a restore could not create it.",
            remedy="Install it as an extension, or use another type for the column.",
        )
    title, statement = _KINDS[kind]
    items = tuple(row[0] for row in session.query(statement, (oid,)))
    if kind == "d":
        return UserType(str(name), title, items, base, not_null, default)
    return UserType(str(name), title, items)


def used_by(session: Session, type_name: str) -> tuple[TableName, ...]:
    """Return a type and all types below it; nothing if it does not exist.

    Args:
        session: An open connection.
        type_name: The type as in a statement.
    """
    return tuple(TableName(*row) for row in session.query(_USED_BY, (type_name,)))


def large_object_notes(schema: TableSchema) -> tuple[str, ...]:
    """Return a note about columns that may contain numbers of large objects."""
    domains = {one.name for one in schema.types if one.kind == "domain" and one.base == "oid"}
    names = [
        column.name
        for column in schema.stored
        if column.type.removeprefix("public.") in {"oid", *domains}
        or ("lo" in schema.extensions and column.type.rpartition(".")[2] == "lo")
    ]
    if not names:
        return ()
    columns = f"The column {names[0]} has" if len(names) == 1 else f"{', '.join(names)} have"
    return (
        (
            f"{columns} object ids. If they are those of large objects: these are not in the backup. "
            "pg_dump of the entire database contains them."
        ),
    )


def create_types(session: Session, schema: TableSchema) -> None:
    """Create the types of a table that do not exist.

    Raises:
        Conflict: A type exists with another definition.
        Corrupt: A definition is invalid.
        NotSupported: An extension is missing; the error names the command that installs it.
    """
    for _dependant, refusal in type_refusals(session, schema):
        raise refusal
    for wanted in schema.types:
        if not _found(session, TableName.parse(wanted.name)):
            create_type(session, wanted)


def type_refusals(
    session: Session, schema: TableSchema
) -> Iterator[tuple[Dependant, StorageError]]:
    """Yield the types and extensions for which a restore of a table is refused, with the error."""
    installed = {row[0] for row in session.query("SELECT extname::text FROM pg_extension")}
    for extension in schema.extensions:
        if extension not in installed:
            yield _refusal(
                "extension", extension, NotSupported(
                    f"The extension {extension} is not installed in {session.address}",
                    cause="Columns of the table use its types.",
                    remedy=f"Run CREATE EXTENSION {quoted(extension)} as a superuser, then try again.",
                    subject=str(session.address),
                )
            )  # fmt: skip
    for wanted in schema.types:
        name = TableName.parse(wanted.name)
        for oid, kind, *rest in _found(session, name):
            present = _present_text(session, oid, name, kind, rest)
            if present != type_text(wanted):
                yield _refusal(
                    "type", wanted.name, Conflict(
                        f"The type {wanted.name} has another definition in {session.address}",
                        cause=f"In this database: {present}. In the backup: {type_text(wanted)}.",
                        remedy="Change the type, or restore into another database.",
                        subject=str(session.address),
                    )
                )  # fmt: skip


def _refusal(kind: str, name: str, error: StorageError) -> tuple[Dependant, StorageError]:
    from core.model.database import Dependant

    return Dependant(kind, name, f"{error.reason} {error.remedy}"), error


def _found(session: Session, name: TableName) -> Sequence[Sequence[Any]]:
    """Return what `_user_type` needs about a type; nothing if there is none of that name."""
    statement = """SELECT t.oid, t.typtype::text,
      t.typnotnull, t.typdefault, format_type(t.typbasetype, t.typtypmod)
      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
      WHERE n.nspname = $1 AND t.typname = $2"""
    return session.query(statement, (name.schema, name.name))


def _present_text(
    session: Session, oid: int, name: TableName, kind: str, rest: Sequence[Any]
) -> str:
    try:
        return type_text(_user_type(session, oid, name, kind, rest))
    except NotSupported:
        return f"{name} is defined in C"


def create_type(session: Session, wanted: UserType) -> None:
    """Create a type, and its schema if necessary.

    Raises:
        Corrupt: The definition is invalid.
    """
    name = TableName.parse(wanted.name)
    # IF NOT EXISTS needs the permission to create schemas even if the schema exists.
    if not session.query("SELECT FROM pg_namespace WHERE nspname = $1", (name.schema,)):
        session.query(f"CREATE SCHEMA {quoted(name.schema)}")
    for command in _statements(wanted, name):
        session.query(command)


def _statements(wanted: UserType, name: TableName) -> Iterator[str]:
    if wanted.kind == "enum":
        labels = ", ".join(map(literal, wanted.items))
        yield f"CREATE TYPE {name.sql} AS ENUM ({labels})"
    elif wanted.kind == "composite":
        fields = ", ".join(checked_fragment(item, "type") for item in wanted.items)
        yield f"CREATE TYPE {name.sql} AS ({fields})"
    elif wanted.kind == "range":
        yield f"CREATE TYPE {name.sql} AS RANGE (SUBTYPE = {checked_type(wanted.base)})"
    else:
        parts = [f"CREATE DOMAIN {name.sql} AS {checked_type(wanted.base)}"]
        if wanted.default is not None:
            parts.append(f"DEFAULT {checked_fragment(wanted.default, 'default')}")
        parts += ["NOT NULL"] if wanted.not_null else []
        parts += [checked_definition(item, "check", "CONSTRAINT ") for item in wanted.items]
        yield " ".join(parts)
