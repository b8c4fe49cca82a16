"""Functions with side effects in the condition of an operator."""

from __future__ import annotations

import re

from core.backup.databases.condition import enclosed
from core.backup.databases.postgresql.session import Session
from core.errors import NotSupported

#: Volatile functions that change nothing. A condition with them may select other rows each time,
#: which the row count of the backup shows.
_HARMLESS = frozenset(
    ("random", "clock_timestamp", "timeofday", "gen_random_uuid", "pg_sleep", "pg_sleep_for",
     "pg_sleep_until")
)  # fmt: skip
_STRING = re.compile(r"E'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'", re.DOTALL)
_NAME = r'(?:[^\W\d][\w$]*|"(?:[^"]|"")+")'
_CALL = re.compile(rf"(?:({_NAME})\.)?({_NAME})\(")
_VOLATILE = """
SELECT n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN unnest($1::text[], $2::text[]) AS called(schema, name)
  ON n.nspname = called.schema AND p.proname = called.name
WHERE p.provolatile = 'v' ORDER BY 1 LIMIT 1
"""


def refuse_volatile(session: Session, table: str, where: str) -> None:
    """Refuse a condition that calls a function which may have side effects.

    A read-only transaction does not prevent those on sessions, files and locks. The server shows
    the condition as it has parsed it, with the schema of each function that is not its own.

    Args:
        session: An open connection, with `pg_catalog` as its search path.
        table: The quoted name of the table.
        where: A condition that the server accepts.

    Raises:
        NotSupported: It calls a volatile function; the error names it.
    """
    lines = session.query(
        f"EXPLAIN (VERBOSE, COSTS off) SELECT FROM {table} WHERE {enclosed(where)}"
    )
    text = _STRING.sub("''", "\n".join(str(row[0]) for row in lines))
    calls = {(_plain(schema or "pg_catalog"), _plain(name)) for schema, name in _CALL.findall(text)}
    calls = {(schema, name) for schema, name in calls if name not in _HARMLESS}
    schemas, names = [schema for schema, _ in calls], [name for _, name in calls]
    if calls and (found := session.query(_VOLATILE, (schemas, names))):
        raise NotSupported(
            f"The function {found[0][0]} may have side effects",
            cause="It is declared as VOLATILE.",
            remedy="Use a condition that only reads. A function of your own that does can be "
            "declared as STABLE.",
        )


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
