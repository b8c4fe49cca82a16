"""The properties of one object, with the fields of those that can be changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QGridLayout, QLineEdit, QWidget

from core.errors import InvalidInput, StorageError
from core.lifecycle.checks import CLASSES
from core.lifecycle.forecast import Forecast
from core.lifecycle.sentences import CLASS_NAMES
from core.model.upload_options import Pairs
from core.objects.properties import (
    HEADERS,
    PROTECTED,
    ObjectProperties,
    PropertyChange,
    PropertyValues,
    property_changes,
)
from core.objects.versions import ObjectVersion
from core.units import (
    format_age,
    format_counted,
    format_date,
    format_moment,
    format_size,
)
from gui import actions, theme
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import allow_field, combo_box, line_edit
from gui.widgets.labels import mono_label, muted_label, shown, text_label
from gui.widgets.pairs import PairsField

_ENCRYPTIONS = {"AES256": "Key of S3 (SSE-S3)", "aws:kms": "Key of KMS (SSE-KMS)"}


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What the dialog shows; `versions`, `due` and `versioned` are None if they cannot be read.

    `versioned` is whether the bucket has versioning enabled, so that a copy is a new version, and
    `undecided` are the lifecycle rules that depend on tags which cannot be read.
    """

    found: ObjectProperties
    versions: Sequence[ObjectVersion] | None = ()
    due: Sequence[Forecast] | None = ()
    versioned: bool | None = None
    undecided: Sequence[str] = ()


class PropertiesDialog(Dialog):
    """Shows all properties of an object, and prompts for changes.

    Args:
        parent: the view that opens the dialog.
        key: the object.
        locked: why nothing can be changed; empty while changes are allowed.

    Signals:
        saved: the new `PropertyValues` and tags; None for what did not change.
    """

    saved = Signal(object, object)

    def __init__(self, parent: QWidget | None, key: str, *, locked: str = "") -> None:
        super().__init__(parent, key.rstrip("/").rpartition("/")[2] or key, width=640, height=520)
        self._locked = locked
        self._facts: ObjectFacts | None = None
        self.grid = QGridLayout()
        self.grid.setColumnStretch(1, 1)
        self.storage_class = combo_box("Storage class")
        self.headers = {name: _header_field(name) for name in HEADERS}
        self.metadata, self.tags = PairsField("Metadata"), PairsField("Tags")
        self.protected = muted_label("", wrap=True, small=True)
        self.changes = text_label("Reading the properties…", wrap=True)
        self.effect = text_label("", wrap=True)
        self.summary = muted_label("")
        self.go = primary_button("Save", self._on_save)
        self._lay_out()
        self.storage_class.currentIndexChanged.connect(self._on_edit)
        for field in self.headers.values():
            field.textChanged.connect(self._on_edit)
        for pairs in (self.metadata, self.tags):
            pairs.textChanged.connect(self._on_edit)
        self._on_edit()

    def _lay_out(self) -> None:
        self.body.addLayout(self.grid)
        form = QFormLayout()
        form.setVerticalSpacing(6)
        for name, field in (("Storage class", self.storage_class), *self.headers.items(),
                            ("Metadata", self.metadata), ("Tags", self.tags)):  # fmt: skip
            label = muted_label(name)
            label.setBuddy(field)
            form.addRow(label, field)
        self.body.addLayout(form)
        self.body.addWidget(self.protected)
        self.body.addWidget(self.changes)
        self.body.addWidget(self.effect)
        # At the buttons, since the sentences about the changes may be scrolled out of view.
        self.add_buttons(plain_button("Close", self.reject), self.go, left=(self.summary,))
        self.go.setDefault(True)

    def show_facts(self, facts: ObjectFacts) -> None:
        """Show the properties of the object."""
        found = facts.found
        for number, (name, value) in enumerate(fact_rows(facts)):
            self.grid.addWidget(muted_label(name), number, 0)
            label = (
                mono_label(shown(value)) if name in _MONO else text_label(shown(value), wrap=True)
            )
            label.setAccessibleName(name)
            self.grid.addWidget(label, number, 1)
        for name in dict.fromkeys(["STANDARD", *CLASSES, found.storage_class]):
            self.storage_class.addItem(class_name(name), name)
        self.storage_class.setCurrentText(class_name(found.storage_class))
        for name, field in self.headers.items():
            field.setText(found.headers.get(name, ""))
        own = tuple((n, v) for n, v in found.metadata.items() if n not in PROTECTED)
        self.metadata.set_pairs(own)
        self.tags.set_pairs(found.tags or ())
        no_tags = "The tags cannot be read (needs s3:GetObjectTagging)."
        allow_field(self.tags, found.tags is not None, no_tags)
        if found.tags is None:
            self.tags.setPlaceholderText(no_tags)
        hashes = [f"{name}={value}" for name, value in found.metadata.items() if name in PROTECTED]
        self.protected.setText(
            "\n".join(["Hashes of the content stay:", *hashes]) if hashes else ""
        )
        self.protected.setVisible(bool(hashes))
        # Last: until then the fields do not have the values of the object.
        self._facts = facts
        self._on_edit()
        self.fit()

    def show_problem(self, error: StorageError) -> None:
        """Show why the properties could not be read or saved."""
        texts = (f"{error.summary.rstrip('.')}.", error.cause, error.effect, error.remedy)
        self.changes.setText(" ".join(text for text in texts if text))
        if self._facts is not None:
            self.go.allow(allowed=True)

    @property
    def values(self) -> PropertyValues:
        """The values in the fields, with the hashes that cannot be changed.

        Raises:
            InvalidInput: a line of the metadata has no name.
        """
        assert self._facts is not None
        found = self._facts.found
        hashes = tuple((n, v) for n, v in found.metadata.items() if n in PROTECTED)
        headers = ((name, field.text().strip()) for name, field in self.headers.items())
        return PropertyValues(
            str(self.storage_class.currentData()),
            tuple((name, value) for name, value in headers if value),
            (*self.metadata.pairs(), *hashes),
        )

    def _on_edit(self, *_value: object) -> None:
        if self._facts is None:
            self.go.allow(allowed=False, reason="The properties are being read.")
            return
        try:
            values, tags = self.values, self.tags.pairs()
        except InvalidInput as error:
            self.changes.setText(f"{error.summary}. {error.remedy}")
            self.go.allow(allowed=False, reason=error.summary)
            return
        found = self._facts.found
        changed = property_changes(found.editable, values)
        lines = [*change_lines(changed), *tag_lines(found.tags or (), tags)]
        self.changes.setText("\n".join(lines) if lines else "Nothing is changed yet.")
        text, lost = consequence(
            copies=bool(changed), versioned=self._facts.versioned, version=found.version_id
        )
        self.effect.setText(text if lines else "")
        self.effect.set_tone("warning" if lost else "muted")
        count = format_counted(len(lines), "change") if lines else ""
        self.summary.setText(f"{count}. {NO_UNDO}" if lost and lines else count)
        self.summary.set_tone("warning" if lost else "muted")
        self.go.allow(bool(lines) and not self._locked, self._locked or "Change something first.")

    def _on_save(self) -> None:
        assert self._facts is not None
        found, values, tags = self._facts.found, self.values, self.tags.pairs()
        changed = values if property_changes(found.editable, values) else None
        retagged = tags if sorted(tags) != sorted(found.tags or ()) else None
        self.go.allow(allowed=False, reason="The changes are being saved.")
        self.saved.emit(changed, retagged)


def class_name(storage_class: str) -> str:
    """Return the name of a storage class as it is shown."""
    return CLASS_NAMES.get(storage_class, storage_class.replace("STANDARD", "Standard"))


_IN_TRASH = "is hidden by a delete marker, so that it is in the trash,"
_MONO = frozenset({"Key", "ETag", "Version", "KMS key"})


def fact_rows(facts: ObjectFacts) -> Iterator[tuple[str, str]]:
    """Yield name and text of each property that cannot be changed."""
    found = facts.found
    yield "Key", found.key
    yield "Size", f"{format_size(found.size)} ({format_counted(found.size, 'byte')})"
    yield "Stored", f"{format_moment(found.modified)}, {format_age(found.modified)}"
    yield "First stored", _first_stored(facts)
    yield "ETag", found.etag
    if found.version_id:
        yield "Version", found.version_id
    yield from found.checksums
    yield "Encryption", _ENCRYPTIONS.get(found.encryption, found.encryption) or "not reported"
    if found.kms_key:
        yield "KMS key", found.kms_key
    if found.locked_until:
        yield "Retention", f"cannot be deleted until {format_moment(found.locked_until)}"
    if found.legal_hold:
        yield "Legal hold", "cannot be deleted while the hold exists"
    yield "Lifecycle", _lifecycle(facts)


def _first_stored(facts: ObjectFacts) -> str:
    if facts.versions is None:
        return "unknown (needs s3:ListBucketVersions)"
    stored = [each.modified for each in facts.versions if not each.marker]
    if len(stored) < 2:
        return "the present version is the only one"
    first = min(stored)
    count = format_counted(len(stored), "version")
    return f"{format_moment(first)}, {format_age(first)}, {count}"


def _lifecycle(facts: ObjectFacts) -> str:
    if facts.due is None:
        return "unknown (needs s3:GetLifecycleConfiguration)"
    # The expiration of a version adds a delete marker above it.
    trashed = facts.versioned or bool(facts.found.version_id)
    lines = [
        f"{_IN_TRASH if trashed and not each.storage_class else each.text} from "
        f"{format_date(each.when)} on{f' (rule {each.rule_id})' if each.rule_id else ''}"
        for each in facts.due
    ]
    lines += [
        f"unknown for the rule {each}, which depends on tags (needs s3:GetObjectTagging)"
        for each in facts.undecided
    ]
    return "\n".join(lines) or "no rule will change this object"


def change_lines(changes: Sequence[PropertyChange]) -> Iterator[str]:
    """Yield one sentence for each change."""
    for each in changes:
        name, before, after = each.name, shown(each.before), shown(each.after)
        if not each.before:
            yield f"{name} is set to {after}."
        elif not each.after:
            yield f"{name} is removed, it was {before}."
        else:
            yield f"{name} changes from {before} to {after}."


def tag_lines(before: Pairs, after: Pairs) -> list[str]:
    """Return one sentence for each changed tag; an empty value is not the same as no tag."""
    old, new = dict(before), dict(after)
    lines = [f"Tag {shown(name)} is removed." for name in old if name not in new]
    for name, value in new.items():
        if name not in old:
            lines.append(f"Tag {shown(name)} is set to {shown(value)}.")
        elif old[name] != value:
            lines.append(f"Tag {shown(name)} changes from {shown(old[name])} to {shown(value)}.")
    return lines


#: The shortest form of a possible loss, at the buttons: the sentences may be scrolled out of view.
NO_UNDO = "The former state may be lost."
_STAYS = "The content, its hashes, the encryption and everything that is not named stay."


def consequence(*, copies: bool, versioned: bool | None, version: str = "") -> tuple[str, bool]:
    """Return what happens to the former state, and whether it may be lost.

    Args:
        copies: whether the object is copied onto itself; only tags are changed in place.
        versioned: whether the bucket has versioning enabled; None if it is unknown.
        version: the present version, which a suspended versioning retains; empty for none.
    """
    undo = actions.tip("browser.undo", "Undo")
    if not copies:
        return f"Tags are replaced in place, without a new version. {undo} restores them.", False
    if versioned:
        text = "S3 stores the change as a new version, and the former one stays."
        return f"{text} {undo} removes the new version.", False
    if version and versioned is False:
        versions = actions.tip("objects.versions")
        text = "Versioning is suspended: the former version stays and can be restored with"
        return f"{text} {versions}. {undo} is not possible.", False
    lost = "S3 replaces the object by a copy: the former values and the time when it was stored"
    if versioned is None:
        unknown = "Whether the bucket has versions is unknown (needs s3:GetBucketVersioning)."
        return f"{unknown} {lost} are lost if it has none. {_STAYS}", True
    return f"This bucket has no versions, so this cannot be undone. {lost} are lost. {_STAYS}", True


def _header_field(name: str) -> QLineEdit:
    field = line_edit(name)
    field.setFont(theme.mono_font())
    return field
