"""Procedures, functions and events of the database, which use tables by their names.

The server shows a user only those on which the user has a privilege, and the text of a procedure or
function only to its definer and with a privilege on all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from core.backup.databases.mysql.inspect import text
from core.backup.databases.mysql.session import Session
from core.errors import AccessDenied
from core.model.database import Dependant
from core.units import format_counted

_ROUTINES = """
SELECT ROUTINE_TYPE, ROUTINE_NAME, ROUTINE_DEFINITION FROM information_schema.ROUTINES
WHERE ROUTINE_SCHEMA = DATABASE() ORDER BY ROUTINE_TYPE, ROUTINE_NAME
"""
_EVENTS = """
SELECT 'EVENT', EVENT_NAME, EVENT_DEFINITION FROM information_schema.EVENTS
WHERE EVENT_SCHEMA = DATABASE() ORDER BY EVENT_NAME
"""
#: A privilege with which procedures and functions are visible, on all databases or on a pattern.
_VISIBLE = re.compile(
    r"GRANT (?:ALL PRIVILEGES|.*\b(?:EXECUTE|(?:ALTER|CREATE|SHOW CREATE) ROUTINE|SHOW_ROUTINE)\b.*)"
    r" ON (?:(?P<all>\*)|`(?P<database>(?:[^`]|``)*)`)\.\*"
)
_NAMED = 5


def bodies_of(session: Session) -> dict[tuple[str, str], str]:
    """Return the texts of the procedures, functions and events, by kind and name.

    One that the user may not read has an empty text.
    """
    rows = [*session.query(_ROUTINES), *session.query(_EVENTS)]
    return {
        (text(kind).lower(), text(name)): "" if body is None else text(body)
        for kind, name, body in rows
    }


def unread(session: Session) -> Iterator[Dependant]:
    """Yield what the user cannot see or read of procedures, functions and events."""
    hidden = [name for (_kind, name), body in bodies_of(session).items() if not body]
    routines = ("routines", "of other users")
    if hidden:
        yield Dependant(*routines, _unreadable(hidden, mariadb=session.is_mariadb))
    elif not _sees_routines(session):
        yield Dependant(
            *routines,
            "Procedures and functions that use the table are only listed for a user with a "
            "privilege on them, such as EXECUTE",
        )
    if not _sees_events(session):
        yield Dependant(
            "events",
            "of this database",
            "Events that use the table are only listed for a user with the privilege EVENT",
        )


def _unreadable(names: Iterable[str], *, mariadb: bool) -> str:
    names = list(names)
    some = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
    right = "SELECT on mysql.proc" if mariadb else "SHOW_ROUTINE"
    routines = format_counted(len(names), "routine")
    return (
        f"Whether the table is used by {routines} ({some}) is only known to a user with the "
        f"privilege {right}"
    )


def _sees_routines(session: Session) -> bool:
    here = text(session.value("SELECT DATABASE()"))
    found = (_VISIBLE.match(text(row[0])) for row in session.query("SHOW GRANTS"))
    return any(each and (each["all"] or _is_like(here, each["database"])) for each in found)


def _is_like(name: str, pattern: str) -> bool:
    """Return whether the name of a database is that of a grant, which is a pattern of LIKE."""
    parts = re.findall(r"\\.|.", pattern.replace("``", "`"), re.DOTALL)
    wildcards = {"%": ".*", "_": "."}
    regex = "".join(wildcards.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(regex, name, re.DOTALL | re.IGNORECASE) is not None


def _sees_events(session: Session) -> bool:
    try:
        session.query("SHOW EVENTS")
    except AccessDenied:
        return False
    return True
