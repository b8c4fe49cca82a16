"""When schedules run: the next time, and whether one was missed.

Times are those of the machine's zone, as for cron and systemd.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.model.backup_run import BackupRun
from core.model.schedule import Every, Schedule
from core.units import as_utc, utc_now

_STEPS = {
    Every.HOUR: timedelta(hours=1),
    Every.DAY: timedelta(days=1),
    Every.WEEK: timedelta(weeks=1),
}


def next_time(schedule: Schedule, after: datetime) -> datetime:
    """Return the first time of a schedule after a moment, in UTC."""
    hour, minute = (int(part) for part in schedule.at.split(":"))
    if schedule.every is Every.HOUR:
        # Not steps of the local clock: when daylight saving ends it shows one hour twice.
        start = as_utc(after).replace(second=0, microsecond=0)
        moment = start + timedelta(minutes=(minute - after.astimezone().minute) % 60)
        return moment if moment > after else moment + _STEPS[Every.HOUR]
    local = after.astimezone().replace(tzinfo=None, second=0, microsecond=0)
    if schedule.every is Every.DAY:
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

    Several missed times are one: they are caught up by one backup. Times that a wrong clock has
    recorded are ignored: no backup would be made until then.

    Args:
        schedule: The schedule; a paused one misses nothing.
        run: Its last run.
        now: The present time.
    """
    moment = now or utc_now()
    recorded = (run.started if run is not None else None, schedule.created)
    times = [each for each in recorded if each is not None]
    if schedule.paused or not times:
        return None
    possible = [each for each in times if is_possible(schedule, each, moment)]
    due = next_time(schedule, max(possible)) if possible else moment
    return due if due <= moment else None


def is_possible(schedule: Schedule, recorded: datetime, now: datetime) -> bool:
    """Return whether a recorded time is right; one that is far in the future is of a wrong clock.

    Less than an interval may be the correction of a clock, which only delays the next run.
    """
    return recorded - now < _STEPS[schedule.every]
