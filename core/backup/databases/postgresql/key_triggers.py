"""States of the triggers with which the server enforces foreign keys.

`ALTER TABLE … DISABLE TRIGGER ALL` switches them off. A foreign key that is created again has new
triggers, which are enabled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.backup.databases.postgresql.catalog import Relation
from core.backup.databases.postgresql.names import TableName, quoted
from core.backup.databases.postgresql.savepoint import attempted
from core.backup.databases.postgresql.session import Session

#: The triggers of the foreign keys of and to a table: (schema, table and name of the key, whether
#: the trigger checks the referring rows, its event, its state, its table, its name).
_TRIGGERS = """
SELECT n.nspname::text, c.relname::text, k.conname::text, p.proname LIKE '%check%', g.tgtype::int,
  g.tgenabled::text, g.tgrelid::regclass::text, g.tgname::text
FROM pg_trigger g JOIN pg_constraint k ON k.oid = g.tgconstraint AND k.contype = 'f'
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_proc p ON p.oid = g.tgfoid
WHERE $1 IN (k.conrelid, k.confrelid) AND k.conparentid = 0 AND g.tgrelid IN (k.conrelid, k.confrelid)
ORDER BY 1, 2, 3, 4, 5
"""
_ENABLED = "O"
STATES = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}


@dataclass(frozen=True, slots=True)
class KeyTrigger:
    """A trigger of a foreign key by what it does: the names of such triggers contain numbers.

    `checks` is whether it checks the referring rows, otherwise the referenced ones; `event` are the
    bits of pg_trigger.tgtype.
    """

    table: TableName
    key: str
    checks: bool
    event: int


def changed_states(
    session: Session, relation: Relation, *, own: bool = True
) -> dict[KeyTrigger, str]:
    """Return the states of triggers of foreign keys that are not the usual one.

    Args:
        session: An open connection.
        relation: The table to which, or from which the keys refer.
        own: Whether to include those of the table's own keys.
    """
    return {
        trigger: state
        for trigger, state, *_ in _read(session, relation.oid)
        if state != _ENABLED and (own or trigger.table != relation.name)
    }


def apply_states(session: Session, oid: int, states: dict[KeyTrigger, str]) -> Iterator[str]:
    """Give the present triggers these states; yield the keys for which that is not permitted.

    Only a superuser may change the state of these triggers.
    """
    refused: dict[str, None] = {}
    for trigger, present, table, name in _read(session, oid) if states else ():
        state = states.get(trigger, _ENABLED)
        if state == present:
            continue
        statement = f"ALTER TABLE ONLY {table} {STATES.get(state, 'ENABLE')} TRIGGER {quoted(name)}"
        if not attempted(session, statement):
            refused[f"{trigger.key} of {trigger.table}"] = None
    yield from refused


def _read(session: Session, oid: int) -> Iterator[tuple[KeyTrigger, str, str, str]]:
    for schema, table, key, checks, event, state, holder, name in session.query(_TRIGGERS, (oid,)):
        yield KeyTrigger(TableName(schema, table), key, checks, event), state, holder, name
