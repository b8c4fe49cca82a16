"""The operations on objects: transfers, deletes, versions, properties, links, lifecycle rules."""

from __future__ import annotations

from core.engine import changes
from core.engine.operation import Operation
from core.engine.operation import changes as _changes
from core.engine.operation import changes_here as _changes_here
from core.engine.operation import reads as _reads
from core.engine.operation import reads_here as _reads_here

OBJECT_OPERATIONS: tuple[Operation, ...] = (
    _reads("transfer.plan", "core.transfer.plan:plan_upload", "Planning an upload"),
    _changes(
        "transfer.upload", "core.transfer.upload:upload", "Uploading", changes.uploaded_files, "put"
    ),
    _reads("transfer.download", "core.transfer.download:download", "Downloading", "get"),
    _changes(
        "transfer.copy",
        "core.transfer.copies:copy_objects",
        "Copying objects",
        changes.copied_objects,
        "cp",
    ),
    _changes(
        "transfer.move",
        "core.transfer.copies:move_objects",
        "Moving objects",
        changes.copied_objects,
        "mv",
    ),
    _changes(
        "transfer.undo_move",
        "core.transfer.undo_move:undo_move",
        "Undoing a move",
        changes.undone_move,
    ),
    _reads(
        "transfer.plan_sync",
        "core.transfer.sync_plan:plan_sync",
        "Comparing a folder",
        "sync --dry-run",
    ),
    Operation(
        "transfer.sync",
        "core.transfer.sync:sync",
        "Synchronizing a folder",
        command="sync",
        effects=changes.synchronized_objects,
        refused_at_start=False,  # a download only changes local files
    ),
    _reads("transfer.inspect_file", "core.filing.contents:inspect_file", "Reading local files"),
    _changes(
        "transfer.file", "core.filing.storing:store", "Filing an upload", changes.filed_object
    ),
    _changes(
        "transfer.watch",
        "core.filing.hot_folder:watch",
        "Watching a folder",
        changes.filed_files,
        "watch",
    ),
    Operation(
        "transfer.sweep",
        "core.transfer.sweep:sweep",
        "Removing leftovers of ended processes",
        effects=changes.removed_leftovers,
        refused_at_start=False,  # partial files of this machine are always removed
    ),
    _reads("leftovers.find", "core.engine.leftovers:find", "Listing leftovers", "sweep"),
    _changes(
        "leftovers.remove",
        "core.engine.leftovers:remove",
        "Removing leftovers",
        changes.removed_leftovers,
        "sweep --remove",
    ),
    _changes(
        "objects.delete_many",
        "core.objects.deleting:delete_objects",
        "Deleting objects",
        changes.deleted_objects,
        "rm --yes",
    ),
    _changes(
        "objects.restore_many",
        "core.objects.undo_delete:restore_objects",
        "Restoring deleted objects",
        changes.restored_objects,
        "undelete --yes",
    ),
    _changes(
        "objects.edit_properties",
        "core.transfer.property_edits:edit_properties",
        "Changing properties of objects",
        changes.edited_objects,
        "properties --yes",
    ),
    _changes(
        "objects.undo_edits",
        "core.transfer.undo_edits:undo_edits",
        "Undoing changes of properties",
        changes.restored_objects,
    ),
    _changes_here(
        "objects.upload",
        "core.objects.writing:upload",
        "Uploading a file",
        changes.written_object,
        "put",
    ),
    _changes_here(
        "objects.put", "core.objects.writing:put", "Writing an object", changes.written_object
    ),
    _changes_here(
        "objects.copy", "core.objects.copying:copy", "Copying an object", changes.copied_object
    ),
    _changes_here(
        "objects.delete",
        "core.objects.deleting:delete",
        "Deleting an object",
        changes.written_object,
    ),
    _changes_here(
        "objects.undelete",
        "core.objects.trash:undelete",
        "Undeleting an object",
        changes.written_object,
    ),
    _changes_here(
        "objects.change_properties",
        "core.objects.properties:change_properties",
        "Changing properties of an object",
        changes.written_object,
    ),
    _changes_here(
        "objects.change_tags",
        "core.objects.properties:change_tags",
        "Changing tags of an object",
        changes.written_object,
    ),
    _changes_here(
        "objects.undo_change",
        "core.objects.properties:undo_change",
        "Undoing a change of properties",
        changes.written_object,
    ),
    _changes_here(
        "objects.restore_version",
        "core.objects.in_place:restore_version",
        "Restoring a version of an object",
        changes.written_object,
    ),
    _reads_here("trash.list", "core.objects.trash:list_trash", "Listing deleted objects"),
    Operation(
        "links.get",
        "core.links.make:make_links",
        "Making download links",
        changes=False,  # nothing in AWS; the ledger of links on this computer
        command="link",
        bulk=False,
        effects=changes.made_links,
    ),
    _changes_here(
        "links.put",
        "core.links.make:make_links",
        "Making upload links",
        changes.made_links,
        "link --put",
    ),
    _changes_here(
        "links.post",
        "core.links.make:make_forms",
        "Making upload forms",
        changes.made_links,
        "link --post",
    ),
    _changes_here(
        "links.deactivate_key",
        "core.links.revocation:deactivate_key",
        "Deactivating an access key",
        changes.deactivated_key,
    ),
    _changes_here(
        "links.delete", "core.links.make:make_links", "Making deletion links", changes.made_links
    ),
    _changes_here(
        "lifecycle.save", "core.lifecycle.store:save", "Saving lifecycle rules", changes.saved_rules
    ),
)
