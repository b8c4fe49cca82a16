"""When schedules run: the next time, and whether one was missed.

Times are those of the machine's zone, as for cron and systemd.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.model.schedule import BackupRun, Every, Schedule
from core.units import utc_now

_STEPS = {
    Every.HOUR: timedelta(hours=1),
    Every.DAY: timedelta(days=1),
    Every.WEEK: timedelta(weeks=1),
}


def next_time(schedule: Schedule, after: datetime) -> datetime:
    """Return the first time of a schedule after a moment, in UTC."""
    hour, minute = (int(part) for part in schedule.at.split(":"))
    local = after.astimezone().replace(tzinfo=None, second=0, microsecond=0)
    if schedule.every is Every.HOUR:
        local = local.replace(minute=minute) - _STEPS[Every.HOUR]
    elif schedule.every is Every.DAY:
        local = local.replace(hour=hour, minute=minute) - _STEPS[Every.DAY]
    else:
        monday = local - timedelta(days=local.weekday())
        local = monday.replace(hour=hour, minute=minute) - _STEPS[Every.WEEK]
    # Steps of the local clock, so that a daily time stays the same when daylight saving changes.
    while (moment := local.astimezone(UTC)) <= after:
        local += _STEPS[schedule.every]
    return moment


def missed_time(
    schedule: Schedule, run: BackupRun | None, now: datetime | None = None
) -> datetime | None:
    """Return the first time since the last run at which a schedule should have run.

    Several missed times are one: they are caught up by one backup.

    Args:
        schedule: The schedule; a paused one misses nothing.
        run: Its last run.
        now: The present time.
    """
    since = run.started if run is not None else schedule.created
    if schedule.created is not None and since is not None:
        since = max(since, schedule.created)
    if schedule.paused or since is None:
        return None
    due = next_time(schedule, since)
    return due if due <= (now or utc_now()) else None
