"""Schedules of this machine, in the state database."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import datetime

from core.backup.schedule import checked_hooks, schedule_name
from core.backup.systemd_units import remove_units
from core.errors import NotFound
from core.hints import Hint
from core.local.state.database import state_database
from core.model.backup import Origin
from core.model.connection import Profile
from core.model.schedule import Every, Schedule, ScheduleFormat
from core.units import as_utc, iso_utc, utc_now

#: How the window is stored as the program that starts a schedule.
_WINDOW = "window"

_log = logging.getLogger(__name__)


def save_schedule(schedule: Schedule) -> Schedule:
    """Store a schedule, in place of an earlier one of the same database and choice of rows.

    Returns:
        The schedule with the time at which it was created.

    Raises:
        InvalidInput: The command or the webhook for a failure is not valid.
        LocalIOError: The state database cannot be written.
    """
    checked_hooks(schedule)
    schedule = replace(schedule, created=schedule.created or utc_now().replace(microsecond=0))
    origin = schedule.origin
    record = {
        "database": schedule.database,
        "tables": schedule.tables,
        "every": schedule.every.value,
        "at": schedule.at,
        "options": schedule.options,
        "origin": [origin.engine, origin.database, origin.host, origin.path],
        "starter": schedule.starter.value if schedule.starter else _WINDOW,
        "paused": schedule.paused,
        "on_failure": schedule.on_failure,
        "webhook": schedule.webhook,
        "created": iso_utc(schedule.created) if schedule.created else "",
        "where": schedule.where,
        "include": schedule.include,
        "exclude": schedule.exclude,
    }
    state_database().execute(
        "INSERT OR REPLACE INTO schedules (name, record) VALUES (?, ?)",
        (schedule_name(schedule), json.dumps(record)),
    )
    return schedule


def replace_schedule(schedule: Schedule, former: Schedule | None = None) -> Schedule:
    """Store a schedule that was edited, and remove the systemd units that would still start backups.

    These are the units of `former`, and of an earlier schedule of the same name, unless the new one
    is started by the same units. They are removed first, so that after a failure the former
    schedule is still listed, and the change can be repeated.

    Args:
        schedule: The new schedule.
        former: The one that was edited, which may have another name; None for a new one.

    Returns:
        The schedule with the time at which it was created: that of `former`, if there is one.

    Raises:
        InvalidInput: The command or the webhook for a failure is not valid.
        LocalIOError: A unit cannot be removed, systemd refuses it, or the state database cannot be
            written.
    """
    checked_hooks(schedule)
    name = schedule_name(schedule)
    replaced = {name: schedules().get(name)}
    if former is not None:
        replaced[schedule_name(former)] = former
    for other, each in replaced.items():
        if each is not None and _leaves_units(each, schedule, same=other == name):
            remove_units(other)
    stored = save_schedule(replace(schedule, created=former.created if former else None))
    if former is not None and schedule_name(former) != name:
        remove_schedule(schedule_name(former))
    return stored


def _leaves_units(former: Schedule, schedule: Schedule, *, same: bool) -> bool:
    """Return whether systemd would still start a schedule that is replaced by another one."""
    systemd = ScheduleFormat.SYSTEMD
    return former.starter is systemd and not (same and schedule.starter is systemd)


def applies_to(schedule: Schedule, profile: Profile) -> bool:
    """Return whether a schedule writes to the bucket of a profile.

    A schedule without these options uses the current profile when it runs.
    """
    named = dict(option.split("=", 1) for option in schedule.options if "=" in option)
    return (
        named.get("--profile", profile.name) == profile.name
        and named.get("--bucket", profile.bucket) == profile.bucket
    )


def names_bucket(schedule: Schedule) -> bool:
    """Return whether a schedule always writes to the same bucket: other runs are no runs of it."""
    return any(option.startswith(("--profile=", "--bucket=")) for option in schedule.options)


def remove_schedule(name: str) -> Schedule:
    """Remove a schedule and return it, so that the removal can be undone with `save_schedule`.

    Raises:
        NotFound: There is no schedule of this name.
        LocalIOError: The state database cannot be written.
    """
    found = stored_schedule(name)
    state_database().execute("DELETE FROM schedules WHERE name = ?", (name,))
    return found


def stored_schedule(name: str) -> Schedule:
    """Return the schedule of a name.

    Raises:
        NotFound: There is no schedule of this name.
        LocalIOError: The state database cannot be read.
    """
    found = schedules().get(name)
    if found is None:
        raise NotFound(
            f"There is no schedule {name}",
            remedy="List the schedules, and choose one of them.",
            hints=Hint.LIST_SCHEDULES,
            subject=name,
        )
    return found


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
        _starter(str(record.get("starter", ScheduleFormat.SYSTEMD.value))),
        paused=record.get("paused") is True,
        on_failure=str(record.get("on_failure", "")),
        webhook=str(record.get("webhook", "")),
        created=_moment(str(record.get("created", ""))),
        where=_conditions(record.get("where", [])),
        include=_patterns(record.get("include", [])),
        exclude=_patterns(record.get("exclude", [])),
    )


def _conditions(pairs: object) -> tuple[tuple[str, str], ...]:
    # An entry that is not understood makes the schedule unreadable: without its condition it would
    # back up all rows.
    if not isinstance(pairs, list):
        raise TypeError("the conditions are no list")
    return tuple((str(table), str(condition)) for table, condition in pairs)


def _patterns(found: object) -> tuple[str, ...]:
    # As above: without its patterns a schedule would back up other tables.
    if not isinstance(found, list):
        raise TypeError("the patterns are no list")
    return tuple(map(str, found))


def _starter(value: str) -> ScheduleFormat | None:
    return None if value == _WINDOW else ScheduleFormat(value)


def _moment(text: str) -> datetime | None:
    """Return a stored time; None for a record of an earlier version, which has none."""
    return as_utc(datetime.fromisoformat(text)) if text else None
