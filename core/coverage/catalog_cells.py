"""The cells of streams from the catalogue: grouped by DuckDB, so that no key becomes a Python object."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from core.catalog.catalog import open_catalog
from core.catalog.consistency import read_consistently
from core.catalog.database import temporary_database
from core.catalog.manifest import CatalogFolder, Manifest
from core.catalog.planning import estimate_of, plan_steps
from core.catalog.refresh import refresh
from core.catalog.segments import attach
from core.coverage.cells import HOUR, Cells, Stream
from core.coverage.selection import Selection
from core.errors import NotFound
from core.hints import Hint
from core.local.spool import spool
from core.model.catalog import LIST_KEYS, RefreshEstimate
from core.objects.bucket import HasBucket
from core.sql.session import run
from core.work import Work

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")
_NAME = "coalesce(symbol, user_id, report_type, table_name, log_type)"
_SECONDS = "epoch(moment)::BIGINT"
#: In two steps: the numbers are then fetched without the texts that identify their stream.
_CELLS = f"""
CREATE TEMP TABLE cells AS
SELECT kind, {_NAME} AS name, coalesce(timeframe, '') AS timeframe,
    floor({_SECONDS} / {HOUR})::INTEGER AS hour, count(*)::INTEGER AS files,
    sum(size)::BIGINT AS sizes, min({_SECONDS}) AS first, max({_SECONDS}) AS last
FROM stored WHERE kind IS NOT NULL AND {{where}} GROUP BY ALL
"""  # noqa: S608 - names of this module
_STREAMS = """
SELECT kind, name, timeframe, count(*) FILTER (hour <= $until), sum(files) FILTER (hour > $until)
FROM cells GROUP BY ALL ORDER BY kind, name, timeframe
"""
#: Not for each hour: a million keys would have to be held.
_NEWEST = f"""
SELECT kind, {_NAME} AS name, coalesce(timeframe, '') AS timeframe, max_by(key, moment)
FROM stored WHERE kind IS NOT NULL AND {{where}} AND {_SECONDS} < {{end}} GROUP BY ALL
"""  # noqa: S608 - names of this module
_NUMBERS = """
SELECT hour AS hours, files, sizes, (first - hour::BIGINT * 3600)::INTEGER AS first,
    (last - hour::BIGINT * 3600)::INTEGER AS last
FROM cells WHERE hour <= $until ORDER BY kind, name, timeframe, hour
"""

_COLUMNS = ("hours", "files", "sizes", "first", "last")


def listed_at(workspace: HasBucket, selection: Selection) -> datetime | None:
    """Return when the catalogue was last brought up to date for a selection.

    None if there is no catalogue, or if it does not contain all of the selected streams.
    """
    state = open_catalog(workspace).state
    listed = [state.listed_for(prefix) if state else None for prefix in selection.prefixes()]
    known = [each.recent for each in listed if each is not None]
    return min(known) if len(known) == len(listed) else None


def refresh_catalog(workspace: HasBucket, work: Work, selection: Selection) -> int:
    """Add the new keys of the selected streams to the catalogue; return the number of LIST requests.

    Raises:
        StorageError: a request was denied or failed, or the catalogue could not be written.
        Cancelled: the token of `work` was cancelled.
    """
    return sum(refresh(workspace, work, prefix=prefix).requests for prefix in selection.prefixes())


def catalog_cells(
    workspace: HasBucket, work: Work, selection: Selection, now: datetime
) -> tuple[Cells, ...]:
    """Return the cells of the selected kind and timeframe.

    Raises:
        NotFound: there is no catalogue, or a part of it is damaged.
        Cancelled: the token of `work` was cancelled.
    """
    until = int(now.timestamp()) // HOUR + 1
    return _from_stored(workspace, work, lambda stored: _cells(stored, selection, until))


def refresh_estimates(
    workspace: HasBucket, work: Work, selection: Selection
) -> tuple[RefreshEstimate, ...]:
    """Return what it costs to list the new keys of the selected streams, for each prefix.

    Raises:
        NotFound: there is no catalogue, or a part of it is damaged.
        Cancelled: the token of `work` was cancelled.
    """

    def estimates(connection: duckdb.DuckDBPyConnection) -> tuple[RefreshEstimate, ...]:
        return tuple(
            estimate_of(
                plan_steps(connection, "stored", prefix, complete=False),
                prefix, complete=False, known=0,
            )
            for prefix in selection.prefixes()
        )  # fmt: skip

    return _from_stored(workspace, work, estimates)


def _from_stored(
    workspace: HasBucket, work: Work, use: Callable[[duckdb.DuckDBPyConnection], T]
) -> T:
    """Use a database with the view `stored`, which has all keys of the catalogue."""
    folder = CatalogFolder(workspace.bucket)

    def read(manifest: Manifest | None) -> tuple[T | None, bool]:
        with (
            spool() as temporary,
            temporary_database(temporary) as connection,
            run(connection, work),
        ):
            damaged = attach(connection, folder, manifest)
            # With keys left out, complete days would be shown as missing.
            if manifest is None or damaged:
                return None, True
            return use(connection), False

    found, _, _ = read_consistently(folder, folder.read, read)
    if found is None:
        raise NotFound(
            "The catalogue of this bucket cannot be read",
            cause="It was removed, or one of its files is damaged.",
            remedy=LIST_KEYS,
            hints=Hint.LIST_KEYS,
            subject=workspace.bucket.name,
        )
    return found


def _cells(
    connection: duckdb.DuckDBPyConnection, selection: Selection, until: int
) -> tuple[Cells, ...]:
    import numpy as np

    conditions = {"kind": selection.kind, "coalesce(timeframe, '')": selection.timeframe}
    given = {column: value for column, value in conditions.items() if value}
    where = " AND ".join(f"{column} = ?" for column in given) or "true"
    connection.execute(_CELLS.format(where=where), list(given.values()))
    streams = connection.execute(_STREAMS, {"until": until}).fetchall()
    numbers = connection.execute(_NUMBERS, {"until": until}).fetchnumpy()
    newest_sql = _NEWEST.format(where=where, end=(until + 1) * HOUR)
    newest = {
        Stream(*names): key
        for *names, key in connection.execute(newest_sql, list(given.values())).fetchall()
    }
    ends = np.cumsum([count for *_, count, _ignored in streams])
    found = []
    for (kind, name, timeframe, count, ignored), end in zip(streams, ends, strict=True):
        part = slice(int(end) - count, int(end))
        if count:
            columns = {name: numbers[name][part] for name in _COLUMNS}
            stream = Stream(kind, name, timeframe)
            found.append(Cells(stream, newest=newest[stream], ignored=int(ignored or 0), **columns))
    return tuple(found)
