"""The backups for a restore of several tables: of one snapshot where possible, in restore order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import translate

from core.backup.arguments import check_not_empty
from core.backup.choice import parse_moment
from core.backup.databases import engine_of, origin_of
from core.backup.databases.address import DatabaseAddress
from core.backup.listing import backups_in
from core.backup.named_source import backups_of_source, newest_of
from core.backup.package import read_manifest, refuse_broken
from core.backup.prefetch import in_parallel
from core.backup.store import Store
from core.errors import NOTHING_CHANGED, Conflict, Corrupt, InvalidInput, NotFound, NotSupported
from core.hints import Hint
from core.model.backup import Backup, BackupState, Origin
from core.model.selection import Skipped
from core.units import format_counted, format_moment
from core.work import Work

_READS = 16
_NO_BACKUP = "There is no backup of it up to this time."
_UNUSABLE = "None of its backups can be used: they are broken, of some rows, or of other databases."


@dataclass(frozen=True, slots=True)
class TablesWanted:
    """The requested tables; without `tables` all that have backups of the database.

    `include` and `exclude` are patterns for all tables. `at` limits the time of the backups.
    `any_source` uses the newest backup of each table, of any database; `source` only those of the
    database with this name, path, or complete text of its `Origin`. With `backup_ids` only these
    backups are used, for example those of a preview. With `skip_unusable` a requested table without
    a usable backup is skipped instead of refused. In a `single_transaction` all tables are
    restored, or none.
    """

    tables: tuple[str, ...] | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    at: str | datetime | None = None
    any_source: bool = False
    source: str = ""
    backup_ids: frozenset[str] = frozenset()
    skip_unusable: bool = False
    single_transaction: bool = False


@dataclass(frozen=True, slots=True)
class ChosenBackups:
    """A backup of each table, with the tables to which others refer first.

    `parents` are the other requested tables to which a table refers.
    """

    backups: tuple[Backup, ...]
    parents: Mapping[str, frozenset[str]]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


def choose_backups(
    store: Store, database: str | DatabaseAddress, wanted: TablesWanted, work: Work
) -> ChosenBackups:
    """Return a backup of each requested table.

    The newest backups count. Those that most of them have in common in one snapshot determine it:
    each table that this snapshot contains is restored from it, so that references between the
    tables fit. Backups of some rows are not used.

    Raises:
        Conflict: There are backups of several other databases, or of several ones with the name of
            the requested source.
        Corrupt: The newest backup of a table is broken; no other one is used instead.
        InvalidInput: No table is requested, or a pattern matches none.
        NotFound: A named table has no backup that can be used, or none of all tables has.
        NotSupported: The engine cannot restore several tables in a single transaction.
    """
    if wanted.single_transaction:
        _refuse_single_transaction(database)
    listed = _listed(store, wanted, work)
    moment = parse_moment(wanted.at)
    early = [one for one in listed if _is_wanted(one, wanted, moment)]
    fine = [one for one in early if not one.filter and one.state is not BackupState.BROKEN]
    usable = (
        backups_of_source(fine, wanted.source)
        if wanted.source
        else _of_database(fine, origin_of(database), any_source=wanted.any_source)
    )
    by_table = _by_table(usable)
    unnamed: tuple[str, ...] = ()
    if wanted.tables is None and not wanted.any_source:
        by_table, unnamed = _recorded(by_table)
    ignore_case = engine_of(database).engine == "SQLite"
    by_table = _requested(by_table, early, wanted, ignore_case=ignore_case)
    skipped = tuple(_unusable(early, by_table, wanted))
    if not by_table:
        raise NotFound(
            "There are no backups of this database",
            cause=f"Of {format_counted(len(listed), 'stored backup')} none can be used.",
            remedy="Choose a later time, or allow backups of another database.",
            subject=str(origin_of(database)),
        )
    if wanted.source:  # broken ones of other databases do not matter
        origins = {one.origin for one in usable}
        early = [one for one in early if one.origin in origins or not one.origin.database]
    by_table, broken = _without_broken_newest(by_table, early, wanted)
    chosen, notes = _of_one_snapshot(by_table)
    parents = _parents(store, chosen, work)
    ordered = tuple(chosen[table] for table in referenced_first(parents))
    return ChosenBackups(ordered, parents, (*skipped, *broken), (*notes, *unnamed))


def _refuse_single_transaction(database: str | DatabaseAddress) -> None:
    engine = engine_of(database)
    if not engine.restores_together:
        raise NotSupported(
            f"{engine.engine} cannot restore several tables in one transaction",
            cause="It commits each change of a table by itself.",
            remedy="Restore them one after the other: each restore can be undone.",
            subject=str(origin_of(database)),
        )


def _is_wanted(backup: Backup, wanted: TablesWanted, moment: datetime | None) -> bool:
    if wanted.backup_ids and backup.id not in wanted.backup_ids:
        return False
    return moment is None or backup.taken <= moment


def _listed(store: Store, wanted: TablesWanted, work: Work) -> list[Backup]:
    if wanted.tables is None:
        return list(backups_in(store, None, work))
    if not wanted.tables:
        raise InvalidInput("No table was chosen", remedy="Choose at least one table.")
    for table in wanted.tables:
        check_not_empty(table=table)
    tables = dict.fromkeys(wanted.tables)
    return [one for table in tables for one in backups_in(store, table, work)]


def _of_database(found: Sequence[Backup], origin: Origin, *, any_source: bool) -> list[Backup]:
    """Return the backups of a database, or of the only other one."""
    if any_source:
        return list(found)
    mine = [one for one in found if not one.origin.differs(origin)]
    if mine:
        return mine
    others: dict[Origin, Backup] = {}
    for one in found:
        others.setdefault(one.origin, one)
    if len(others) > 1:
        raise Conflict(
            f"The backups are of {len(others)} databases, none of which is this one",
            cause=f"This one is {origin}. {newest_of(others)}",
            remedy="Choose the database whose backups are used, or allow backups of any database: "
            "the newest of all databases are used then.",
            hints=Hint.SOURCE | Hint.ANY_SOURCE,
            hint_value="\n".join(map(str, others)),
        )
    return list(found)


def _recorded(
    found: Mapping[str, list[Backup]],
) -> tuple[dict[str, list[Backup]], tuple[str, ...]]:
    """Return the tables whose backups contain the name of their database, if any does.

    Returns:
        The tables, and notes on the others, which may belong to other databases.
    """
    recorded = {
        table: [one for one in backups if one.origin.database] for table, backups in found.items()
    }
    if not any(recorded.values()):
        return dict(found), ()
    notes = (
        f"{table}: not restored, because its backups do not contain the name of their database."
        for table, backups in recorded.items()
        if not backups
    )
    return {table: backups for table, backups in recorded.items() if backups}, tuple(notes)


def _by_table(found: Iterable[Backup]) -> dict[str, list[Backup]]:
    tables: dict[str, list[Backup]] = {}
    for one in sorted(found, key=lambda one: (one.taken, one.id), reverse=True):
        tables.setdefault(one.table, []).append(one)
    return tables


def _requested(
    found: Mapping[str, list[Backup]],
    listed: Sequence[Backup],
    wanted: TablesWanted,
    *,
    ignore_case: bool,
) -> dict[str, list[Backup]]:
    """Return the requested tables, in the order of their names or as they are named.

    Raises:
        Corrupt: All backups of a named table are broken.
        InvalidInput: A pattern matches no table.
        NotFound: A named table has no usable backup.
    """
    if wanted.tables is not None:
        for table in wanted.tables:
            if table not in found and not wanted.skip_unusable:
                stored = [one for one in listed if one.table == table]
                if stored and all(one.state is BackupState.BROKEN for one in stored):
                    refuse_broken(max(stored, key=lambda one: one.taken))
                when = "" if wanted.at is None else f" up to {wanted.at}"
                raise NotFound(
                    f"There is no backup of {table} that can be used{when}",
                    remedy="Choose other tables or a later time.",
                    effect=NOTHING_CHANGED,
                    subject=table,
                )
        return {table: found[table] for table in wanted.tables if table in found}
    flags = re.IGNORECASE if ignore_case else re.NOFLAG

    def matched(pattern: str) -> set[str]:
        check_not_empty(pattern=pattern)
        expression = re.compile(translate(pattern), flags)
        names = {t for t in found if expression.fullmatch(t) or expression.fullmatch(f"public.{t}")}
        if not names:
            raise InvalidInput(
                f"No table with backups matches the pattern {pattern}",
                remedy="Correct the pattern, or omit it.",
            )
        return names

    included = set().union(*map(matched, wanted.include)) if wanted.include else set(found)
    excluded: set[str] = set().union(*map(matched, wanted.exclude))
    return {table: found[table] for table in sorted(found) if table in included - excluded}


def _unusable(
    found: Sequence[Backup], usable: Mapping[str, list[Backup]], wanted: TablesWanted
) -> Iterator[Skipped]:
    """Yield tables that have only broken backups, unless the tables are named or chosen by pattern.

    With `skip_unusable`, named tables without a usable backup are also yielded.
    """
    if wanted.tables is not None and wanted.skip_unusable:
        listed = {one.table for one in found}
        for table in wanted.tables:
            if table not in usable:
                yield Skipped(table, _UNUSABLE if table in listed else _NO_BACKUP)
    if wanted.tables is not None or wanted.include or wanted.exclude:
        return
    known = {one.table for one in found if one.state is not BackupState.BROKEN} | set(usable)
    for table, broken in _by_table(one for one in found if one.table not in known).items():
        yield Skipped(table, f"All of its backups are broken: {broken[0].problem}")


def _without_broken_newest(
    tables: Mapping[str, list[Backup]], listed: Sequence[Backup], wanted: TablesWanted
) -> tuple[dict[str, list[Backup]], list[Skipped]]:
    """Return the tables whose newest backup is not broken; the others are refused or skipped.

    Raises:
        Corrupt: The newest backup of a table is broken, and it is not to be skipped.
        NotFound: All tables are skipped.
    """
    fine: dict[str, list[Backup]] = {}
    skipped: list[Skipped] = []
    for table, found in tables.items():
        try:
            _refuse_broken_newest(table, found, listed)
        except Corrupt as error:
            if not wanted.skip_unusable:
                raise
            skipped.append(Skipped(table, f"{error.summary}. {error.cause}".strip()))
        else:
            fine[table] = found
    if not fine:
        raise NotFound(
            "None of the tables can be restored",
            cause=skipped[0].problem,
            remedy="Choose an earlier time or other tables.",
            effect=NOTHING_CHANGED,
            subject=skipped[0].table,
        )
    return fine, skipped


def _refuse_broken_newest(table: str, found: Sequence[Backup], listed: Sequence[Backup]) -> None:
    for one in listed:
        if one.table == table and one.state is BackupState.BROKEN and one.taken >= found[0].taken:
            refuse_broken(one)


def _of_one_snapshot(
    found: Mapping[str, list[Backup]],
) -> tuple[dict[str, Backup], list[str]]:
    """Return a backup of each table, and notes on those that do not fit the others."""
    newest = [backups[0] for backups in found.values()]
    counts = Counter(one.snapshot for one in newest if one.snapshot)
    covered = Counter(
        snapshot for backups in found.values() for snapshot in {one.snapshot for one in backups}
    )
    best = max(
        (one for one in newest if one.snapshot),
        key=lambda one: (counts[one.snapshot], covered[one.snapshot], one.taken),
        default=None,
    )
    chosen: dict[str, Backup] = {}
    notes: list[str] = []
    for table, backups in found.items():
        same = [one for one in backups if best is not None and one.snapshot == best.snapshot]
        chosen[table] = one = (same or backups)[0]
        if same and one != backups[0]:
            notes.append(
                f"{table}: a newer backup, {backups[0].id} of {format_moment(backups[0].taken)}, is "
                "not used, because it is not of the same snapshot as the other tables."
            )
        if not same and len(found) > 1:
            notes.append(
                f"{table}: the backup of {format_moment(one.taken)} is of another snapshot than the "
                "other tables."
            )
    return chosen, notes


def _parents(store: Store, chosen: Mapping[str, Backup], work: Work) -> dict[str, frozenset[str]]:
    """Return the requested tables to which each one refers, by the manifests."""

    def read(backup: Backup) -> frozenset[str]:
        if backup.state is not BackupState.COMPLETE:
            return frozenset()
        manifest, _ = read_manifest(store, backup, work)
        return frozenset(key.table for key in manifest.schema.foreign_keys)

    # Names in foreign keys of SQLite and MariaDB may differ from those of the tables by case.
    folded = {table.lower(): table for table in chosen}
    found = in_parallel(lambda backup: (backup.table, read(backup)), list(chosen.values()), _READS)
    exact = {
        table: {name if name in chosen else folded.get(name.lower(), "") for name in names}
        for table, names in found
    }
    return {table: frozenset(names - {"", table}) for table, names in exact.items()}


def referenced_first(parents: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Return the tables in an order in which each one follows those to which it refers.

    In a cycle the table with the fewest references to remaining tables is first, then by name.
    """
    remaining = dict(sorted(parents.items()))
    ordered: list[str] = []
    while remaining:
        table = min(remaining, key=lambda name: len(remaining[name] & remaining.keys()))
        ordered.append(table)
        del remaining[table]
    return tuple(ordered)
