"""Requests of a restore of several tables, and the texts of its confirmation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.backup.together import TablesWanted
from core.model.restore import RestorePreview
from core.model.table_restores import TablesPreview
from core.units import format_counted
from gui.tabs.backups.preview_texts import changes_text
from gui.tabs.backups.sources import Source

_FAILING_NAMED = 5


#: Titled sets of tables; None for all.
Scopes = tuple[tuple[str, tuple[str, ...] | None], ...]


@dataclass(frozen=True, slots=True)
class TogetherRequest:
    """What the fields of the dialog request.

    Attributes:
        database: the address of the database to restore into.
        tables: the tables; None for all that have backups of the database.
        at: the latest time of a backup; empty for the newest.
        any_source: whether backups of other databases are used as well.
        source: the only database whose backups are used, as text of its `Origin`; empty for the
            open one.
    """

    database: str
    tables: tuple[str, ...] | None = None
    at: str = ""
    any_source: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class TogetherChoices:
    """What the dialog offers.

    Attributes:
        scopes: the sets of tables that can be chosen.
        databases: the open databases.
        database: the address of the one that is selected at first.
        former: the request whose choice of backups is shown at first; None for the newest.
    """

    scopes: Scopes
    databases: tuple[Source, ...]
    database: str = ""
    former: TogetherRequest | None = None


def database_name(source: Source) -> str:
    """Return the name that is typed before tables of a database are replaced."""
    origin = source.origin
    return origin.database if origin is not None and origin.database else source.name


def wanted_tables(request: TogetherRequest) -> TablesWanted:
    """Return the request of the newest backups; a table without one is skipped."""
    at = request.at or None
    return TablesWanted(
        request.tables, at=at, any_source=request.any_source, source=request.source,
        skip_unusable=True,
    )  # fmt: skip


def exact_backups(
    request: TogetherRequest,
    chosen: Sequence[tuple[str, str]],
    *,
    single_transaction: bool = False,
    skip_unusable: bool = False,
) -> TablesWanted:
    """Return the request of exactly these backups: newer ones are not used after the preview."""
    return TablesWanted(
        tuple(table for table, _id in chosen),
        any_source=request.any_source,
        source=request.source,
        backup_ids=frozenset(backup_id for _table, backup_id in chosen),
        single_transaction=single_transaction,
        skip_unusable=skip_unusable,
    )


def change_line(table: RestorePreview) -> str:
    """Return what a restore changes in a table, as a line."""
    counts = changes_text(table.difference)
    drift = f", {format_counted(len(table.drift), 'schema difference')}" if table.drift else ""
    return f"{table.table}: {counts}{drift}" if table.exists else f"{table.table}: new table"


def loss_text(found: TablesPreview, place: str, *, single_transaction: bool) -> str:
    """Return what is lost by a restore, for its confirmation."""
    counts = [table.difference for table in found.tables]
    removed = format_counted(sum(each.removed for each in counts), "row")
    changed = format_counted(sum(each.changed for each in counts), "row")
    broken = "".join(
        f" {format_counted(count, 'row')} of {other} will have dangling foreign keys."
        for table in found.tables
        for other, count in table.orphans
    )
    how = (
        "All tables are replaced in one transaction: a failure changes nothing. Until it ends, no "
        "other program can change them."
        if single_transaction
        else "Each table is replaced in its own transaction: after a failure, those before it stay "
        "restored, and can be undone."
    )
    return (
        f"{removed} will be removed and {changed} changed.{broken} {how} The present tables are saved "
        f"under other names until you drop them. Database: {place}."
    )


def failing_text(failing: Sequence[str]) -> str:
    """Return the first sentences about what fails after an undo, with a space after each."""
    more = len(failing) - _FAILING_NAMED
    rest = f"{more:,} more {'fails' if more == 1 else 'fail'} likewise." if more > 0 else ""
    return "".join(f"{text} " for text in (*failing[:_FAILING_NAMED], rest) if text)
