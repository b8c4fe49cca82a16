"""After a restore: take it back, or let the former table go."""

from __future__ import annotations

from core.backup.databases import open_database
from core.effects import BY_HAND, states_effect
from core.errors import NotFound
from core.objects.bucket import HasBucket
from core.work import Work, default_work


def newest_former_table(database: str, table: str) -> str:
    """Return the name of the table that the last restore of `table` kept.

    Raises:
        NotFound: When none is kept.
    """
    with open_database(database) as target:
        names = [t.name for t in target.tables() if t.former_name.lower() == table.lower()]
    if not names:
        raise NotFound(
            f"No former version of {table} is kept",
            remedy="It is kept by a restore in place, until it is dropped or put back.",
            subject=table,
        )
    return max(names)


@states_effect("changed", (BY_HAND,))
def undo(
    workspace: HasBucket | None, work: Work | None = None, *, database: str, former: str
) -> str:
    """Put the kept table back in place of the restored one, which is dropped.

    Returns:
        The table's name.

    Raises:
        InvalidInput: When `former` is not a table that a restore kept.
        ReadOnlyProfile: When the workspace's profile is locked.
    """
    _require_writable(workspace, f"Putting {former} back")
    work = default_work(work)
    with open_database(database, write=True) as target, target.change(work=work):
        return target.undo(former)


@states_effect("changed", (BY_HAND,))
def drop_former_table(
    workspace: HasBucket | None, work: Work | None = None, *, database: str, former: str
) -> str:
    """Remove a kept table for good; return its name.

    Raises:
        InvalidInput: When `former` is not a table that a restore kept.
        ReadOnlyProfile: When the workspace's profile is locked.
    """
    _require_writable(workspace, f"Dropping {former}")
    work = default_work(work)
    with open_database(database, write=True) as target, target.change(work=work):
        target.drop_former(former)
    return former


def _require_writable(workspace: HasBucket | None, action: str) -> None:
    """Refuse a change with a locked profile; a script without a workspace has no profile."""
    if workspace is not None:
        workspace.bucket.clients.require_writable(action)
