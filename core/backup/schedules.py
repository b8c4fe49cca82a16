"""Installed schedules of this machine, in the state database."""

from __future__ import annotations

import json
import logging

from core.backup.schedule import schedule_name
from core.local.state.database import state_database
from core.model.backup import Origin
from core.model.schedule import Every, Schedule

_log = logging.getLogger(__name__)


def save_schedule(schedule: Schedule) -> None:
    """Store a schedule, in place of an earlier one of the same database and tables.

    Raises:
        LocalIOError: The state database cannot be written.
    """
    origin = schedule.origin
    record = {
        "database": schedule.database,
        "tables": schedule.tables,
        "every": schedule.every.value,
        "at": schedule.at,
        "options": schedule.options,
        "origin": [origin.engine, origin.database, origin.host, origin.path],
    }
    state_database().execute(
        "INSERT OR REPLACE INTO schedules (name, record) VALUES (?, ?)",
        (schedule_name(schedule), json.dumps(record)),
    )


def schedules() -> dict[str, Schedule]:
    """Return the stored schedules by name; an entry that cannot be read is omitted.

    Raises:
        LocalIOError: The state database cannot be read.
    """
    found = {}
    for name, record in state_database().rows("SELECT name, record FROM schedules ORDER BY name"):
        try:
            found[str(name)] = _schedule(json.loads(record))
        except (ValueError, TypeError, KeyError, AttributeError):
            _log.warning("The schedule %s cannot be read", name)
    return found


def _schedule(record: dict[str, object]) -> Schedule:
    tables, options, origin = record["tables"], record["options"], record["origin"]
    if not (isinstance(tables, list) and isinstance(options, list) and isinstance(origin, list)):
        raise TypeError("a list is missing")
    return Schedule(
        str(record["database"]),
        tuple(map(str, tables)),
        Every(record["every"]),
        str(record["at"]),
        tuple(map(str, options)),
        Origin(*map(str, origin)),
    )
