"""Pins of backups: a pinned backup is never removed by retention.

A pin is a small object in the folder of the backup, so it is the same on every machine and is
removed with the backup. A listing shows it without a further request; only its note is read. Its
name starts with `_`, so that Athena and Spark ignore it.
"""

from __future__ import annotations

import json

from core.backup.arguments import check_not_empty
from core.backup.choice import Wanted, choose
from core.backup.keys import MANIFEST, PIN
from core.backup.store import BucketStore, Store
from core.effects import states_effect
from core.errors import NotFound, NotSupported
from core.model.backup import Backup, BackupState
from core.objects.bucket import HasBucket
from core.units import iso_utc, utc_now
from core.work import Work, default_work


@states_effect("pinned")
def pin(
    workspace: HasBucket, work: Work | None = None, *, table: str, backup_id: str, note: str = ""
) -> Backup:
    """Pin a backup, so that retention never removes it.

    A backup that is already pinned gets the new note.

    Args:
        workspace: The workspace with the bucket.
        work: Cancel token.
        table: The table of the backup.
        backup_id: The id of the backup, or its beginning.
        note: The reason, which is shown in the list.

    Raises:
        NotFound: When the backup does not exist.
        NotSupported: When the backup has the old form, which retention never removes.
        StorageError: When the bucket cannot be changed.
    """
    workspace.bucket.clients.require_writable(f"Pinning a backup of {table}")
    return pin_in(BucketStore(workspace.bucket), table, backup_id, note, default_work(work))


@states_effect("unpinned")
def unpin(workspace: HasBucket, work: Work | None = None, *, table: str, backup_id: str) -> Backup:
    """Remove the pin of a backup; a backup without a pin is not changed.

    Raises:
        NotFound: When the backup does not exist.
        StorageError: When the bucket cannot be changed.
    """
    workspace.bucket.clients.require_writable(f"Unpinning a backup of {table}")
    return unpin_in(BucketStore(workspace.bucket), table, backup_id, default_work(work))


def pin_in(store: Store, table: str, backup_id: str, note: str, work: Work) -> Backup:
    """Pin a backup in any store; see `pin`."""
    backup = _chosen(store, table, backup_id, work)
    key = pin_key(backup)
    data = json.dumps({"pinned": iso_utc(utc_now()), "note": note}).encode()
    put_beside(store, backup, key, data, work)
    return choose(store, table, work, Wanted.of(backup.id, None))


def put_beside(store: Store, backup: Backup, key: str, data: bytes, work: Work) -> None:
    """Write or replace an object in the folder of a backup.

    Raises:
        NotFound: The backup was removed in the meantime; the object does not remain alone.
    """
    # In one request: a deletion would need another permission, and a kill after it would leave
    # none.
    store.put(key, data, {}, work=work, only_new=False)
    folder = backup.key.removesuffix(MANIFEST)
    if not any(stored.key == folder + MANIFEST for stored in store.list(folder, work=work)):
        store.delete([key], work=work)
        raise NotFound(
            f"The backup {backup.id} of {backup.table} was removed",
            remedy="List the backups again.",
            subject=backup.key,
        )


def unpin_in(store: Store, table: str, backup_id: str, work: Work) -> Backup:
    """Remove the pin of a backup in any store; see `unpin`."""
    backup = _chosen(store, table, backup_id, work)
    if backup.pinned:
        store.delete([pin_key(backup)], work=work)
    return choose(store, table, work, Wanted.of(backup.id, None))


def pin_key(backup: Backup) -> str:
    """Return the key of the pin of a backup.

    Raises:
        NotSupported: When the backup is a single object of the old form.
    """
    if backup.state is BackupState.OLD_FORM or not backup.key.endswith(MANIFEST):
        raise NotSupported(
            f"The backup {backup.id} of {backup.table} cannot be pinned",
            cause="It has the old form, which retention never removes.",
            remedy="No pin is necessary.",
            subject=backup.key,
        )
    return backup.key.removesuffix(MANIFEST) + PIN


def _chosen(store: Store, table: str, backup_id: str, work: Work) -> Backup:
    check_not_empty(table=table, id=backup_id)
    return choose(store, table, work, Wanted.of(backup_id, None))
