"""Notes that are added to a backup, or changed, after it was made.

The manifest of a backup is never changed. A later note is a small object in the folder of the
backup instead, like a pin: it is the same on every machine, and is removed with the backup.
"""

from __future__ import annotations

import json

from core.backup.arguments import check_not_empty
from core.backup.choice import Wanted, choose
from core.backup.keys import MANIFEST, NOTE
from core.backup.manifest import is_text
from core.backup.pins import put_beside
from core.backup.store import BucketStore, Store
from core.effects import states_effect
from core.errors import NOTHING_CHANGED, InvalidInput, NotSupported
from core.model.backup import Backup, BackupState
from core.objects.bucket import HasBucket
from core.units import format_counted, iso_utc, utc_now
from core.work import Work, default_work

#: The longest note in characters, so that a list of backups stays small.
LONGEST = 4_000


@states_effect("changed")
def annotate(
    workspace: HasBucket, work: Work | None = None, *, table: str, backup_id: str, note: str
) -> Backup:
    """Give a backup a note, which replaces that of the manifest.

    Args:
        workspace: The workspace with the bucket.
        work: Cancel token.
        table: The table of the backup.
        backup_id: The id of the backup, or its beginning.
        note: The text, which is not encrypted; empty for none.

    Raises:
        InvalidInput: When the note is too long or not valid text.
        NotFound: When the backup does not exist.
        NotSupported: When the backup has the old form, which has no note.
        StorageError: When the bucket cannot be changed.
    """
    workspace.bucket.clients.require_writable(f"Changing the note of a backup of {table}")
    return annotate_in(BucketStore(workspace.bucket), table, backup_id, note, default_work(work))


def annotate_in(store: Store, table: str, backup_id: str, note: str, work: Work) -> Backup:
    """Give a backup in any store a note; see `annotate`."""
    check_not_empty(table=table, id=backup_id)
    if len(note) > LONGEST:
        raise InvalidInput(
            "The note is too long",
            cause=f"The maximum is {format_counted(LONGEST, 'character')}.",
            remedy="Shorten it.",
            effect=NOTHING_CHANGED,
        )
    if not is_text(note):
        raise InvalidInput(
            "The note is not valid text",
            cause="It contains characters that cannot be encoded in UTF-8.",
            remedy="Enter it again.",
            effect=NOTHING_CHANGED,
        )
    backup = choose(store, table, work, Wanted.of(backup_id, None))
    if backup.state is BackupState.OLD_FORM or not backup.key.endswith(MANIFEST):
        raise NotSupported(
            f"The backup {backup.id} of {backup.table} cannot have a note",
            cause="It has the old form, which is a single object.",
            remedy="Choose a backup of the new form.",
            effect=NOTHING_CHANGED,
            subject=backup.key,
        )
    data = json.dumps({"changed": iso_utc(utc_now()), "note": note}).encode()
    put_beside(store, backup, backup.key.removesuffix(MANIFEST) + NOTE, data, work)
    return choose(store, table, work, Wanted.of(backup.id, None))
