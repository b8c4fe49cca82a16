"""What follows a scheduled run that failed: its record, the command and the webhook."""

from __future__ import annotations

from core.backup.failure_notice import command_arguments, failure_notice, post, run_command
from core.backup.runs import record_failure
from core.backup.schedule import selection_of
from core.errors import StorageError
from core.model.schedule import Schedule
from core.work import Work, default_work


def report_failure(
    schedule: Schedule, error: StorageError, work: Work | None = None, *, place: str = ""
) -> tuple[str, ...]:
    """Record a failed run, and send the notices of its schedule.

    `place` is the bucket, see `core.backup.store.place_of`; empty if it is not known.

    Returns:
        Why a notice could not be sent, as sentences.
    """
    work = default_work(work)
    record_failure(schedule.database, selection_of(schedule), error, place)
    notice = failure_notice(schedule.database, schedule.tables, error)
    problems = []
    try:
        if schedule.on_failure:
            run_command(command_arguments(schedule.on_failure), notice)
    except StorageError as problem:
        problems.append(f"The failure could not be reported: {problem.summary}.")
    work.check()
    try:
        if schedule.webhook:
            post(schedule.webhook, notice)
    except StorageError as problem:
        problems.append(f"The failure could not be reported: {problem.summary}.")
    return tuple(problems)
