"""Check of a query on a backup before its rows are downloaded, with the names of its columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from core.backup.package import read_manifest
from core.backup.query.column_types import Typed, plans
from core.backup.query.rows import VIEW, name_view, with_free_names
from core.backup.store import Store
from core.local.spool import spool
from core.model.backup import Backup, BackupState, Manifest
from core.sql.literals import quoted
from core.sql.session import LITTLE_MEMORY, check_select, lock, open_session, sql_error
from core.work import Work

if TYPE_CHECKING:
    import duckdb

#: Messages of DuckDB about names and clauses. Those about types are no reason to refuse a query:
#: a column whose values do not fit in its declared type is read as text.
_OF_NAMES = re.compile(
    "not found|does not have a column|does not exist|GROUP BY clause|cannot contain aggregates"
)


def check_early(store: Store, backup: Backup, sql: str, work: Work) -> None:
    """Check the syntax of a statement, and the names of its tables, columns and functions.

    The columns of an old-form backup are not known before its rows are read: only the syntax is
    checked.

    Raises:
        InvalidInput: The statement is not one SELECT, or it cannot be run.
        StorageError: The manifest, or the key of an encrypted backup, cannot be read.
    """
    import duckdb

    with spool() as folder, open_session(folder, memory=LITTLE_MEMORY) as connection:
        check_select(connection, sql)
        if backup.state is not BackupState.COMPLETE:
            return
        manifest, _cipher = read_manifest(store, backup, work)
        try:
            _create_empty(connection, manifest)
            lock(connection)
            connection.sql(sql)
        except duckdb.PermissionException as error:
            raise sql_error(error) from error
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            if _OF_NAMES.search(str(error)):
                raise sql_error(error) from error
        except duckdb.Error:  # only the rows show whether the statement can be run
            return


def _create_empty(connection: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
    """Create the tables of a query without rows."""
    engine = manifest.source.engine
    found = plans(manifest.schema, engine)
    columns = with_free_names([Typed(plan.name, plan.target or "DOUBLE", "") for plan in found])
    listed = ", ".join(f"{quoted(column.name)} {column.type}" for column in columns)
    connection.execute(f"CREATE TABLE {quoted(VIEW)} ({listed})")
    name_view(connection, manifest.table, engine)
