"""The catalogue of one bucket: what it contains, how old it is, and searches in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from core.catalog.consistency import Stamp, read_consistently
from core.catalog.database import temporary_database
from core.catalog.manifest import CatalogFolder, Manifest
from core.catalog.matches import Matches, Table
from core.catalog.planning import estimate_of, plan_steps
from core.catalog.query import Order, Query, below, name_in, order_sql, time_between
from core.catalog.refresh import check_prefix
from core.catalog.segments import ALL, attach
from core.errors import NotFound
from core.hints import Hint
from core.local.locking import locked_while_waiting
from core.local.spool import spool
from core.model.catalog import LIST_KEYS, CatalogState, RefreshEstimate
from core.objects.bucket import Bucket, HasBucket
from core.objects.pages import Columns
from core.sql.literals import quoted
from core.sql.session import run
from core.units import utc_now
from core.work import Work, default_work

if TYPE_CHECKING:
    import duckdb
    import numpy.typing as npt

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KeyColumns:
    """Keys of the catalogue as columns of equal length, in the order of keys.

    Attributes:
        keys: array of texts.
        sizes: bytes (int64).
        modified: times at which the objects were written (datetime64[us], UTC).
        moments: times in the keys (datetime64[us], UTC).
        symbols: array of texts.
        timeframes: array of texts; empty where a kind has none.
        etags: array of texts, without quotation marks.
    """

    keys: npt.NDArray[Any]
    sizes: npt.NDArray[Any]
    modified: npt.NDArray[Any]
    moments: npt.NDArray[Any]
    symbols: npt.NDArray[Any]
    timeframes: npt.NDArray[Any]
    etags: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.keys)


def open_catalog(workspace: HasBucket) -> Catalog:
    """Return the catalogue of a workspace's bucket; it is read when it is first used."""
    return Catalog(workspace.bucket)


class Catalog:
    """The catalogue of one bucket as one profile sees it; safe to use from several threads.

    A refresh (`core.catalog.refresh`), also of another process, is noticed by the next call.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._folder = CatalogFolder(bucket)
        self._lock = threading.Lock()
        self._table: Table | None = None
        self._stamp: Stamp | None = None

    @property
    def state(self) -> CatalogState | None:
        """What the catalogue contains; None if there is none. Only reads the manifest."""
        manifest = self._folder.read()
        if manifest is None:
            return None
        damaged = self._table.damaged if self._table and self._stamp == self._folder.stamp() else ()
        disk = sum(segment.size for segment in manifest.segments)
        return CatalogState(
            manifest.bucket, manifest.objects, disk, manifest.listed, damaged, manifest.source
        )

    def age(self, prefix: str = "", *, complete: bool = False) -> timedelta | None:
        """Return how long ago a prefix was listed; None if the catalogue does not cover it.

        Args:
            prefix: a key or the beginning of keys.
            complete: count from the last listing of all keys, and not only of new ones.
        """
        state = self.state
        listed = state.listed_for(prefix) if state else None
        if listed is None:
            return None
        return utc_now() - (listed.complete if complete else listed.recent)

    def estimate(
        self, prefix: str = "", *, complete: bool = False, work: Work | None = None
    ) -> RefreshEstimate:
        """Return what a refresh costs, without a request.

        Raises:
            InvalidInput: the prefix does not end in `/`.
            Cancelled: the token of `work` was cancelled.
        """
        check_prefix(prefix)
        if self.age(prefix) is None:
            return RefreshEstimate(prefix, complete=True, requests=None, cost=None, prices="")
        table = self._loaded()
        with table.cursor() as connection, run(connection, default_work(work)):
            steps = plan_steps(connection, "keys", prefix, complete=complete)
            known = table.count(connection, Query((below(prefix),)))
        return estimate_of(steps, prefix, complete=complete, known=known)

    def search(
        self,
        query: Query,
        *,
        order: Order = "key",
        descending: bool = False,
        work: Work | None = None,
    ) -> Matches:
        """Return all keys that meet the conditions of a query.

        Raises:
            NotFound: there is no catalogue yet.
            InvalidInput: a regular expression of the query is not valid.
            Cancelled: the token of `work` was cancelled.
        """
        sql = order_sql(order, descending=descending)
        return self._loaded().search(query, sql, default_work(work))

    def rows(
        self,
        kind: str,
        *,
        symbols: Sequence[str] = (),
        timeframe: str = "",
        begin: datetime | None = None,
        end: datetime | None = None,
        work: Work | None = None,
    ) -> KeyColumns:
        """Return the keys of one kind of data, with all columns that follow from them.

        Args:
            kind: an id of `core.layout.kinds.KINDS`.
            symbols: only these symbols, in this case; empty for all.
            timeframe: only this timeframe; empty for all.
            begin: only keys whose time is not before this one.
            end: only keys whose time is before this one.
            work: cancel token.

        Raises:
            NotFound: there is no catalogue yet.
            Cancelled: the token of `work` was cancelled.
        """
        conditions = [name_in("kind", [kind]), time_between("moment", begin, end)]
        if timeframe:
            conditions.append(name_in("timeframe", [timeframe]))
        if symbols:
            conditions.append(name_in("symbol", symbols))
        where, values = Query(tuple(conditions)).where()
        sql = (
            "SELECT key, size, modified::TIMESTAMP, moment::TIMESTAMP, coalesce(symbol, ''), "  # noqa: S608 - values are parameters
            f"coalesce(timeframe, ''), etag FROM stored WHERE {where} ORDER BY key"
        )

        def read(manifest: Manifest) -> tuple[KeyColumns, bool]:
            with (
                spool() as temporary,
                temporary_database(temporary) as connection,
                run(connection, default_work(work)),
            ):
                damaged = attach(connection, self._folder, manifest)
                found = connection.execute(sql, values).fetchnumpy()
            return KeyColumns(*found.values()), bool(damaged)

        return self._consistent(read)[0]

    def listed_keys(self, prefixes: Sequence[str], work: Work | None = None) -> Columns | None:
        """Return the objects below prefixes as a page of a listing, in the order of keys.

        Args:
            prefixes: empty ones mean the complete bucket.
            work: cancel token.

        Returns:
            The page; None if a segment of the catalogue is damaged, so that keys may be missing.

        Raises:
            NotFound: there is no catalogue yet.
            Cancelled: the token of `work` was cancelled.
        """
        wanted = [below(prefix) for prefix in prefixes]
        where = " OR ".join(each.sql for each in wanted)
        values = [value for each in wanted for value in each.values]
        sql = (
            "SELECT key, size, strftime(modified AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ'), "  # noqa: S608 - values are parameters
            f"storage_class, etag FROM stored WHERE {where} ORDER BY key"
        )

        def read(manifest: Manifest) -> tuple[list[tuple[Any, ...]], bool]:
            with (
                spool() as temporary,
                temporary_database(temporary) as connection,
                run(connection, default_work(work)),
            ):
                damaged = attach(connection, self._folder, manifest)
                return connection.execute(sql, values).fetchall(), bool(damaged)

        found, damaged, _ = self._consistent(read)
        if damaged:
            return None
        empty: list[list[Any]] = [[], [], [], [], []]
        keys, sizes, modified, classes, etags = map(
            list, zip(*found, strict=True) if found else empty
        )
        return Columns(keys, sizes, modified, classes, etags, [])

    @contextmanager
    def cursor(self, work: Work | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a cursor on a database in memory with the table `keys`, in the order of keys.

        Its columns are `key`, `low` (the key in lower case), `size`, `modified`, `storage_class`,
        `kind`, the names of `core.catalog.columns.NAMES` (empty where a key has none), and
        `moment`. Times are in UTC. A cancel interrupts statements.

        Raises:
            NotFound: there is no catalogue yet.
            Cancelled: the token of `work` was cancelled.
        """
        with self._loaded().cursor() as connection, run(connection, default_work(work)):
            yield connection

    def create_table(self, connection: duckdb.DuckDBPyConnection, name: str = "keys") -> None:
        """Create a table of all keys with all columns in another database, for SQL of the user.

        Raises:
            NotFound: there is no catalogue yet.
        """

        def read(manifest: Manifest) -> tuple[None, bool]:
            damaged = attach(connection, self._folder, manifest)
            connection.execute(
                f"CREATE OR REPLACE TABLE {quoted(name)} AS SELECT {ALL} FROM stored ORDER BY key"  # noqa: S608 - the name is quoted
            )
            return None, bool(damaged)

        self._consistent(read)
        for view in ("stored", "recent", "base"):
            connection.execute(f"DROP VIEW {view}")

    def remove(self, work: Work | None = None) -> None:
        """Remove the catalogue from this computer, after a refresh that is running.

        Raises:
            Cancelled: the token of `work` was cancelled.
        """
        with locked_while_waiting(self._folder.lock_path, default_work(work).token.wait):
            self._folder.remove()

    def _consistent(
        self, read: Callable[[Manifest], tuple[T, bool]]
    ) -> tuple[T, bool, Stamp | None]:
        """Read the catalogue; see `read_consistently`."""
        return read_consistently(self._folder, self._manifest, read)

    def _manifest(self) -> Manifest:
        manifest = self._folder.read()
        if manifest is None:
            raise NotFound(
                "There is no catalogue of this bucket yet",
                cause="A catalogue is only made on request, because it needs LIST requests.",
                remedy=LIST_KEYS,
                hints=Hint.LIST_KEYS,
                subject=self._folder.bucket,
            )
        return manifest

    def _loaded(self) -> Table:
        """Return the keys in memory, read again after a refresh."""
        with self._lock:
            if self._table is None or self._folder.stamp() != self._stamp:
                table, _, stamp = self._consistent(self._read_table)
                self._table, self._stamp = table, stamp
            return self._table

    def _read_table(self, manifest: Manifest) -> tuple[Table, bool]:
        table = Table(partial(_attached, self._folder, manifest), manifest.objects)
        return table, bool(table.damaged)


def _attached(
    folder: CatalogFolder, manifest: Manifest, connection: duckdb.DuckDBPyConnection
) -> tuple[str, ...]:
    """Create the view `stored`, and return the names of damaged segments."""
    damaged = attach(connection, folder, manifest)
    return tuple(segment.prefix or segment.file for segment in damaged)
