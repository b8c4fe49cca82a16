"""Retention: which backups remain by days, weeks, months and years, and removal of the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from core.aws.buckets import bucket_brief
from core.backup.archive import manifest_metadata
from core.backup.keys import MANIFEST, PIN
from core.backup.listing import backups_in, is_in_future
from core.backup.manifest import HIDDEN_FILTER, from_bytes
from core.backup.store import BucketStore, Store
from core.backup.unfinished import unfinished_backup
from core.effects import attaching_partial, states_effect
from core.errors import Conflict, InvalidInput, NotFound, StorageError
from core.hints import Hint
from core.model.backup import Backup, BackupState
from core.model.retention import (
    NotRemoved,
    RetentionDecision,
    RetentionReport,
    RetentionRule,
)
from core.objects.bucket import HasBucket
from core.units import utc_now
from core.work import Progress, Work, default_work

#: A period: its name in texts, and what backups of one period have in common (UTC).
_PERIODS: tuple[tuple[str, Callable[[datetime], str]], ...] = (
    ("day", lambda moment: str(moment.date())),
    ("week", lambda moment: "{}-W{:02}".format(*moment.isocalendar())),
    ("month", lambda moment: str(moment.date())[:7]),
    ("year", lambda moment: str(moment.year)),
)
_SAME_DAY = "A newer backup of the same day is retained."
_NOT_NEEDED = "It is not the newest backup of a retained day, week, month or year."


def plan_retention(  # noqa: PLR0913 - keyword-only data of one request
    workspace: HasBucket,
    work: Work | None = None,
    *,
    table: str | None = None,
    daily: int = 0,
    weekly: int = 0,
    monthly: int = 0,
    yearly: int = 0,
    database: str = "",
) -> tuple[RetentionDecision, ...]:
    """Return for each backup whether it is retained, and why, without changes.

    Args:
        workspace: The workspace with the bucket.
        work: Cancel token and progress.
        table: The table; None for all.
        daily: How many days with backups retain their newest one.
        weekly: The same for weeks (ISO 8601, UTC).
        monthly: The same for months.
        yearly: The same for years.
        database: Only backups of the database that `str(Backup.origin)` names; empty for all.

    Raises:
        InvalidInput: When a number is negative, or all are 0.
        StorageError: When the bucket or a manifest cannot be read.
    """
    rule = checked_rule(daily, weekly, monthly, yearly)
    store = BucketStore(workspace.bucket)
    return decisions(_of_database(backups_in(store, table, default_work(work)), database), rule)


@states_effect("removed")
def apply_retention(  # noqa: PLR0913 - keyword-only data of one request
    workspace: HasBucket,
    work: Work | None = None,
    *,
    table: str | None = None,
    daily: int = 0,
    weekly: int = 0,
    monthly: int = 0,
    yearly: int = 0,
    database: str = "",
    only: Collection[str] | None = None,
) -> RetentionReport:
    """Remove the backups that no rule retains; the backups are listed again first.

    Args:
        workspace: The workspace with the bucket.
        work: Cancel token and progress.
        table: The table; None for all.
        daily: As for `plan_retention`.
        weekly: As for `plan_retention`.
        monthly: As for `plan_retention`.
        yearly: As for `plan_retention`.
        database: As for `plan_retention`.
        only: The keys of the backups that a plan has shown; no other one is removed.

    Raises:
        InvalidInput: When a number is negative, or all are 0.
        ReadOnlyProfile: When the profile is read-only.
        StorageError: When the bucket or a manifest cannot be read; nothing was removed.
        Cancelled: When it was cancelled; `partial` is the report so far.
    """
    workspace.bucket.clients.require_writable("Removing old backups")
    work = default_work(work)
    rule = checked_rule(daily, weekly, monthly, yearly)
    bucket = workspace.bucket
    versioning = bucket_brief(bucket.clients, bucket.name, work=work).versioning
    listed = _of_database(backups_in(BucketStore(bucket), table, work), database)
    found = decisions(listed, rule)
    # A suspended bucket adds delete markers too.
    versioned = None if versioning is None else versioning != ""
    return remove(BucketStore(bucket), found, work, only=only, versioned=versioned)


def _of_database(backups: Iterable[Backup], database: str) -> tuple[Backup, ...]:
    return tuple(each for each in backups if not database or str(each.origin) == database)


def checked_rule(daily: int, weekly: int, monthly: int, yearly: int = 0) -> RetentionRule:
    """Return a rule that retains something.

    Raises:
        InvalidInput: When a number is negative, or all are 0.
    """
    if min(daily, weekly, monthly, yearly) < 0:
        raise InvalidInput(
            "A number of days, weeks, months or years is negative",
            remedy="Use 0 or a larger number.",
        )
    if not max(daily, weekly, monthly, yearly):
        raise InvalidInput(
            "The rule retains no backup",
            cause="The numbers of days, weeks, months and years are all 0.",
            remedy="Retain the backups of at least one period, for example of 7 days.",
            hints=Hint.RETAIN_DAILY,
        )
    return RetentionRule(daily, weekly, monthly, yearly)


def decisions(
    backups: Iterable[Backup], rule: RetentionRule, now: datetime | None = None
) -> tuple[RetentionDecision, ...]:
    """Return the decision about each backup, in the order of the backups.

    The rule counts for each table of each database, and each filter, separately. Always retained
    are: the newest backup, the last one that a restore drill proved, pinned ones, old forms, those
    with an encrypted filter, those whose time is in the future, and those that are damaged. The
    last two also do not count as the newest of the table, or of a day, week, month or year.
    """
    listed, moment = tuple(backups), now or utc_now()
    # A backup of some rows must not replace one of the complete table.
    groups: dict[tuple[str, str, str], list[Backup]] = {}
    for backup in sorted(listed, key=lambda each: (each.taken, each.id), reverse=True):
        key = (backup.table, str(backup.origin), backup.filter)
        groups.setdefault(key, []).append(backup)
    found: dict[str, RetentionDecision] = {}
    for group in groups.values():
        found.update({each.backup.key: each for each in _of_group(group, rule, moment)})
    return tuple(found[backup.key] for backup in listed)


def _of_group(
    group: Sequence[Backup], rule: RetentionRule, now: datetime
) -> Iterator[RetentionDecision]:
    """Yield the decisions about the backups of one table of one database, newest first."""
    reasons: dict[str, list[str]] = {each.key: list(_own_reasons(each, now)) for each in group}
    usable = [each for each in group if _is_usable(each, now)]
    if usable:
        newest = (
            "It is the newest backup with this filter."
            if usable[0].filter
            else "It is the newest backup of the table."
        )
        reasons[usable[0].key].insert(0, newest)
    proven = next((each for each in usable if each.proven), None)
    if proven is not None:
        reasons[proven.key].append("It is the last backup that a restore drill has proven.")
    limits = (rule.daily, rule.weekly, rule.monthly, rule.yearly)
    for (name, period), limit in zip(_PERIODS, limits, strict=True):
        for backup in _newest_of_each(usable, period, limit):
            reasons[backup.key].append(f"It is the newest of the {name} {period(backup.taken)}.")
    day = _PERIODS[0][1]
    days = {day(each.taken) for each in usable if reasons[each.key]}
    for backup in group:
        if reasons[backup.key]:
            yield RetentionDecision(backup, retained=True, reasons=tuple(reasons[backup.key]))
        else:
            reason = _SAME_DAY if day(backup.taken) in days else _NOT_NEEDED
            yield RetentionDecision(backup, retained=False, reasons=(reason,))


def _is_usable(backup: Backup, now: datetime) -> bool:
    # One of a wrong clock would count as the newest until then, in place of all later ones.
    sound = backup.state is BackupState.COMPLETE and not backup.doubted
    return sound and not is_in_future(backup, now)


def _own_reasons(backup: Backup, now: datetime) -> Iterator[str]:
    if backup.state is BackupState.BROKEN:
        yield "It is damaged, and must be examined before it is removed."
    elif backup.state is BackupState.ARCHIVED:
        yield "Its manifest is archived, so that it cannot be read what the backup contains."
    elif backup.state is BackupState.OLD_FORM:
        yield "It has the old form, which is never removed by a rule."
    elif backup.doubted:
        yield "Damage was found in it, and must be examined before it is removed."
    if is_in_future(backup, now):
        yield "Its time is in the future, so that it is not known how old it is."
    if backup.filter == HIDDEN_FILTER:
        yield "Its filter is encrypted, so that it cannot be compared with that of other backups."
    if backup.pinned:
        yield f"It is pinned: {backup.pin_note}" if backup.pin_note else "It is pinned."


def _newest_of_each(
    backups: Sequence[Backup], period: Callable[[datetime], str], limit: int
) -> Iterator[Backup]:
    """Yield the newest backup of each of the last `limit` periods that have backups."""
    newest: dict[str, Backup] = {}
    for backup in backups:
        newest.setdefault(period(backup.taken), backup)
    yield from list(newest.values())[:limit]


def remove(
    store: Store,
    found: Iterable[RetentionDecision],
    work: Work,
    *,
    only: Collection[str] | None = None,
    versioned: bool | None = None,
) -> RetentionReport:
    """Remove the backups of a plan that are not retained, the oldest first.

    A backup that cannot be removed is reported, and the others are still removed.
    """
    plan = tuple(found)
    leaving = [
        each.backup
        for each in plan
        if not each.retained and (only is None or each.backup.key in only)
    ]
    leaving.sort(key=lambda backup: backup.taken)
    removed: list[Backup] = []
    failed: list[NotRemoved] = []

    def report() -> RetentionReport:
        size = sum(backup.size for backup in removed)
        return RetentionReport(plan, tuple(removed), size, tuple(failed), versioned)

    with attaching_partial(report):
        for number, backup in enumerate(leaving, 1):
            result = _remove_one(store, backup, work)
            if isinstance(result, NotRemoved):
                failed.append(result)
            elif result:
                removed.append(backup)
            work.report(Progress(number, len(leaving), "backups"))
    return report()


def _remove_one(store: Store, backup: Backup, work: Work) -> NotRemoved | bool:
    """Remove one backup, and return why not if that failed; False if it does not exist any more.

    The manifest is removed first: without it there is no backup, so a kill leaves parts that
    `sweep` lists, but never a listed backup with missing parts. The local record lets the next
    backup of this machine remove such parts. If it is pinned at the same time, the manifest is
    written again; its absence is an error of the pin.
    """
    work.check()
    folder = backup.key.removesuffix(MANIFEST)
    manifest_removed = False
    try:
        # After the listing, since a pin may just have been added.
        keys = [stored.key for stored in store.list(folder, work=work)]
        if folder + PIN in keys:
            raise _pinned(backup)
        manifest = _manifest_of(store, backup, keys, work)
        if manifest is None:  # another computer applies the same rule
            return False
        with unfinished_backup(store, folder) as unfinished:
            store.delete([backup.key], work=work)
            manifest_removed = True
            keys = [stored.key for stored in store.list(folder, work=work)]
            if folder + PIN in keys:
                metadata = manifest_metadata(from_bytes(manifest))
                store.put(backup.key, manifest, metadata, work=work)
                manifest_removed = False
                raise _pinned(backup)
            unfinished.sent = unfinished.stored = keys
            store.delete(unfinished.sent, work=work)
            # A note or pin may have been added since the listing; without a manifest none can be.
            store.delete([stored.key for stored in store.list(folder, work=work)], work=work)
    except StorageError as error:
        work.check()
        reason = error.reason
        return NotRemoved(backup.key, error.kind, reason, incomplete=manifest_removed)
    return True


def _manifest_of(store: Store, backup: Backup, keys: Collection[str], work: Work) -> bytes | None:
    """Return the stored manifest of a backup; None if it was removed."""
    if backup.key in keys:
        with suppress(NotFound):
            return store.read(backup.key, work=work)
    return None


def _pinned(backup: Backup) -> Conflict:
    return Conflict(
        "The backup was pinned since it was listed",
        remedy="Unpin it to remove it.",
        subject=backup.key,
    )
