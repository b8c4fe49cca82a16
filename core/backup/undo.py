"""Undo of a restore, and removal of the former table."""

from __future__ import annotations

from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress, resolve_address, secrets_of
from core.effects import BY_HAND, states_effect
from core.errors import NotFound
from core.objects.bucket import HasBucket
from core.work import Work, default_work


def newest_former_table(database: str | DatabaseAddress, table: str) -> str:
    """Return the name of the former table of the last restore.

    Raises:
        NotFound: When there is no former table.
    """
    with open_database(database) as target:
        names = [
            one.name
            for one in target.tables()
            if one.former_name and target.same_name(one.former_name, table)
        ]
    if not names:
        raise NotFound(
            f"There is no former version of {table}",
            remedy="An in-place restore retains the former table until it is dropped or restored.",
            subject=table,
        )
    return max(names)


@states_effect("changed", (BY_HAND,))
def undo(
    workspace: HasBucket | None, work: Work | None = None, *, database: str, former: str
) -> str:
    """Restore the former table and drop the restored one.

    Returns:
        The name of the table.

    Raises:
        InvalidInput: When `former` is not a former table.
        ReadOnlyProfile: When the profile of the workspace is read-only.
    """
    _require_writable(workspace, f"Putting {former} back")
    work = default_work(work)
    address = resolve_address(database, secrets_of(workspace), work)
    with open_database(address, write=True, work=work) as target, target.change(work=work):
        return target.undo(former)


@states_effect("changed", (BY_HAND,))
def drop_former_table(
    workspace: HasBucket | None, work: Work | None = None, *, database: str, former: str
) -> str:
    """Drop a former table and return its name.

    Raises:
        InvalidInput: When `former` is not a former table.
        ReadOnlyProfile: When the profile of the workspace is read-only.
    """
    _require_writable(workspace, f"Dropping {former}")
    work = default_work(work)
    address = resolve_address(database, secrets_of(workspace), work)
    with open_database(address, write=True, work=work) as target, target.change(work=work):
        target.drop_former(former)
    return former


def _require_writable(workspace: HasBucket | None, action: str) -> None:
    """Refuse a change with a read-only profile; scripts without a workspace have no profile."""
    if workspace is not None:
        workspace.bucket.clients.require_writable(action)
