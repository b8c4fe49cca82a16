"""Loads and changes the properties of one object; a change can be undone with Ctrl+Z."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject

from core.effects import states_effect
from core.errors import AccessDenied, NotSupported
from core.lifecycle import store
from core.lifecycle.forecast import ObjectFacts as LifecycleFacts
from core.lifecycle.forecast import forecast, undecided
from core.model.upload_options import Pairs
from core.objects.bucket import Bucket
from core.objects.properties import (
    ObjectProperties,
    PropertyValues,
    change_properties,
    change_tags,
    read_properties,
    undo_change,
)
from core.objects.versioning import versioning
from core.objects.versions import list_versions
from core.work import Work
from gui import actions
from gui.tabs.base import Tab
from gui.tabs.browser.listing import Listing
from gui.tabs.browser.properties_dialog import ObjectFacts, PropertiesDialog
from gui.tabs.browser.undo_steps import Failed, UndoStep, UndoSteps
from gui.widgets.dialog import while_exists


class PropertyEditor(QObject):
    """Opens the dialog, saves changes and undoes them.

    Args:
        tab: the Browser tab.
        listing: the listing with the bucket.
        steps: the changes that can be undone.
        refresh: called with the key of an object whose properties have changed.
    """

    def __init__(
        self, tab: Tab, listing: Listing, steps: UndoSteps, refresh: Callable[[str], object]
    ) -> None:
        super().__init__(tab)
        self._tab, self._listing, self._steps = tab, listing, steps
        self._refresh = refresh
        self.dialog: PropertiesDialog | None = None

    def open(self, key: str) -> None:
        """Read and show the properties of an object."""
        bucket = self._listing.bucket
        if bucket is None:
            return
        self._tab.banner.clear()
        dialog = PropertiesDialog(self._tab, key, locked=self._tab.context.locked_reason)
        self.dialog = dialog
        self._tab.run(
            f"Properties of {key}", lambda work: load_facts(bucket, key, work),
            while_exists(dialog, partial(self._show, dialog, bucket)),
            failed=while_exists(dialog, dialog.show_problem), quiet=True,
        )  # fmt: skip
        dialog.open()

    def _show(self, dialog: PropertiesDialog, bucket: Bucket, facts: ObjectFacts) -> None:
        dialog.saved.connect(partial(self._save, dialog, bucket, facts.found))
        dialog.show_facts(facts)

    def _save(
        self,
        dialog: PropertiesDialog,
        bucket: Bucket,
        found: ObjectProperties,
        values: PropertyValues | None,
        tags: Pairs | None,
    ) -> None:
        # Both changes together: the second one alone would state that nothing was changed.
        @states_effect("changed")
        def save(work: Work) -> ObjectProperties | None:
            # The tags first: a new version repeats them.
            if tags is not None:
                change_tags(bucket, found.key, found.tags or (), tags, work=work)
            if values is None:
                return None
            return change_properties(bucket, found.key, found, values, work=work)

        operation = "objects.change_tags" if values is None else "objects.change_properties"
        self._tab.run(
            f"Change properties of {found.key}", save,
            partial(self._on_saved, dialog, bucket, found, tags),
            failed=while_exists(dialog, dialog.show_problem),
            call=self._tab.call(operation, key=found.key),
        )  # fmt: skip

    def _on_saved(
        self,
        dialog: PropertiesDialog,
        bucket: Bucket,
        found: ObjectProperties,
        tags: Pairs | None,
        changed: ObjectProperties | None,
    ) -> None:
        while_exists(dialog, lambda _value: dialog.accept())(None)
        self._refresh(found.key)
        name = found.key.rpartition("/")[2]
        # Without versions there is no former state to which an undo could return exactly.
        undoable = changed is None or bool(changed.version_id)
        text = f"Properties of {name} changed."
        if not undoable:
            self._tab.banner.show_good(text)
            return
        undo = partial(self._undo, bucket, found, tags, changed)
        self._steps.push(UndoStep(1, undo))
        self._tab.banner.show_good(
            text, action=(actions.tip("browser.undo", "Undo"), self._steps.undo)
        )

    def _undo(
        self,
        bucket: Bucket,
        found: ObjectProperties,
        tags: Pairs | None,
        changed: ObjectProperties | None,
        failed: Failed,
    ) -> None:
        @states_effect("restored")
        def undo(work: Work) -> None:
            if changed is not None:
                undo_change(bucket, found.key, changed, work=work)
            if tags is not None:
                change_tags(bucket, found.key, tags, found.tags or (), work=work)

        def then(_done: object) -> None:
            self._refresh(found.key)
            self._tab.banner.show_good(f"Properties of {found.key.rpartition('/')[2]} restored.")

        self._tab.run(
            f"Undo the change of {found.key}", undo, then, failed=failed,
            call=self._tab.call("objects.undo_change", key=found.key),
        )  # fmt: skip


def load_facts(bucket: Bucket, key: str, work: Work) -> ObjectFacts:
    """Return properties, versions, and what the lifecycle rules will do with an object.

    Raises:
        StorageError: the object does not exist or cannot be read.
    """
    found = read_properties(bucket, key, work=work)
    versioned = versioning(bucket, work=work)
    try:
        versions = list_versions(bucket, key, work=work)
    except (AccessDenied, NotSupported):
        versions = None
    try:
        rules = store.read(bucket, work=work)
    except (AccessDenied, NotSupported):
        return ObjectFacts(found, versions, None, versioned)
    facts = LifecycleFacts(key, found.size, found.modified, found.storage_class, found.tags)
    return ObjectFacts(found, versions, forecast(rules, facts), versioned, undecided(rules, facts))
