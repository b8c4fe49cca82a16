"""All bulk operations by name. Adding one = one line here.

An operation is a function `(workspace, work, **arguments) -> result`; its arguments are plain
data, its result is frozen and can be pickled.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operation:
    """A name and where its function lives (`package.module:function`); loaded when first run."""

    name: str
    run: str


OPERATIONS: tuple[Operation, ...] = (
    Operation("statistics.scan", "core.statistics.scan:scan"),
    Operation("statistics.count", "core.statistics.scan:count"),
    Operation("transfer.plan", "core.transfer.plan:plan_upload"),
    Operation("transfer.upload", "core.transfer.upload:upload"),
    Operation("transfer.download", "core.transfer.download:download"),
    Operation("transfer.look_into", "core.transfer.contents:look_into"),
    Operation("transfer.file", "core.transfer.filing:store"),
    Operation("objects.delete_many", "core.transfer.delete:delete"),
    Operation("backup.run", "core.backup.run:backup"),
    Operation("backup.list", "core.backup.listing:list_backups"),
    Operation("backup.preview", "core.backup.preview:preview"),
    Operation("backup.restore", "core.backup.restore:restore"),
    Operation("backup.verify", "core.backup.verify:verify"),
    Operation("backup.undo", "core.backup.kept:undo"),
    Operation("backup.drop_kept", "core.backup.kept:drop_kept"),
)
