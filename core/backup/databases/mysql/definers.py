"""Definers of triggers: a user who restores a table needs a privilege to create those of others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from core.backup.databases.mysql.inspect import definer_of, text
from core.backup.databases.mysql.session import Session
from core.errors import AccessDenied
from core.model.database import Dependant
from core.model.tables import Trigger

#: Global privileges with which a trigger of another definer can be created, of MariaDB and MySQL.
_ENOUGH = re.compile(
    r"GRANT (?:ALL PRIVILEGES|.*\b(?:SUPER|SET USER|SET_USER_ID|SET_ANY_DEFINER)\b.*) ON \*\.\*"
)


def refused_triggers(session: Session, triggers: Iterable[Trigger]) -> Iterator[Dependant]:
    """Yield the triggers that a restore in place of their table could not create again."""
    for trigger in refused_of(session, triggers):
        error = refusal(session, trigger, "")
        problem = f"{error.reason} {error.remedy}".strip()
        yield Dependant("trigger", trigger.name, problem, blocks=True)


def refused_of(session: Session, triggers: Iterable[Trigger]) -> tuple[Trigger, ...]:
    """Return the triggers that the user may not create because of their definers."""
    user = text(session.value("SELECT CURRENT_USER()"))
    others = tuple(one for one in triggers if definer_of(one) not in ("", user))
    return others if others and not _may_set_definers(session) else ()


def refusal(session: Session, trigger: Trigger, cause: str) -> AccessDenied:
    """Return the error of a trigger that the user may not create."""
    return AccessDenied(
        f"The trigger {trigger.name} cannot be created for the restored table in {session.address}",
        cause=f"Its definer is {definer_of(trigger)}. {cause}".strip(),
        remedy="Grant the user the privilege SET USER, or use a user that has it. A restore can also "
        "use a new name.",
        subject=str(session.address),
    )


def _may_set_definers(session: Session) -> bool:
    return any(_ENOUGH.match(text(row[0])) for row in session.query("SHOW GRANTS"))
