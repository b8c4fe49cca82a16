"""Properties and versions of an object: shown, changed, compared, restored and deleted."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from helpers.browser import active, in_other_thread, put, settled
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel

from core.effects import states_effect
from core.errors import AccessDenied
from core.lifecycle.forecast import Forecast
from core.objects.properties import read_properties
from core.objects.reading import read
from core.objects.versions import ObjectVersion, list_versions
from gui.tabs.browser import properties
from gui.tabs.browser.copy_as import copy_menu
from gui.tabs.browser.properties_dialog import ObjectFacts, fact_rows
from gui.tabs.browser.versions_dialog import VersionsDialog
from gui.widgets.table import choose_row

WAIT = 30_000
CTRL = Qt.KeyboardModifier.ControlModifier


def properties_of(bucket, key="note.txt"):
    return in_other_thread(read_properties, bucket, key)


def until(qtbot, tab, text):
    qtbot.waitUntil(lambda: text in tab.banner.text, timeout=WAIT)
    settled(qtbot, tab)


def press(tab, qtbot, key, modifier, selected="note.txt"):
    active(tab, qtbot)
    tab.folder.select(selected)
    tab.folder.table.setFocus()
    qtbot.keyClick(tab.folder.table, key, modifier)


def opened(tab, qtbot, selected="note.txt"):
    """Open the properties of an object and wait until they are read."""
    press(tab, qtbot, Qt.Key.Key_Return, Qt.KeyboardModifier.AltModifier, selected)
    dialog = tab.tools.properties.dialog
    qtbot.waitUntil(lambda: "Nothing is changed" in dialog.changes.text(), timeout=WAIT)
    return dialog


def facts(dialog):
    texts = [dialog.grid.itemAtPosition(row, column).widget().text()
             for row in range(dialog.grid.rowCount()) for column in (0, 1)]  # fmt: skip
    return dict(zip(texts[::2], texts[1::2], strict=True))


def test_the_lifecycle_line_states_what_is_not_known_and_what_is_restorable(bucket):
    found = properties_of(bucket)
    due = [Forecast("r1", datetime(2024, 2, 1, tzinfo=UTC))]
    plain = replace(found, version_id="")
    lines = dict(fact_rows(ObjectFacts(plain, due=due, versioned=False)))["Lifecycle"]
    assert lines.startswith("is deleted from ")
    lines = dict(fact_rows(ObjectFacts(found, due=due, versioned=True)))["Lifecycle"]
    assert lines.startswith("is hidden by a delete marker, so that it is in the trash, from ")
    lines = dict(fact_rows(ObjectFacts(found, due=(), undecided=["r2"])))["Lifecycle"]
    assert lines == "unknown for the rule r2, which depends on tags (needs s3:GetObjectTagging)"


def test_all_properties_are_shown(tab, qtbot, bucket):
    dialog = opened(tab, qtbot)
    found = facts(dialog)
    assert found["Key"] == "note.txt"
    assert found["Size"] == "5 B (5 bytes)"
    assert found["First stored"] == "the present version is the only one"
    assert found["Lifecycle"] == "no rule will change this object"
    assert found["ETag"] == properties_of(bucket).etag
    assert dialog.protected.isHidden()
    assert not dialog.go.isEnabled()
    dialog.reject()


def test_a_change_is_described_saved_and_undone(tab, qtbot, bucket):
    before = properties_of(bucket)
    dialog = opened(tab, qtbot)
    dialog.headers["Content-Type"].setText("text/markdown")
    dialog.metadata.setPlainText("symbol=BTC-USD")
    dialog.tags.setPlainText("team=research")
    assert dialog.changes.text().splitlines()[:3] == [
        f"Content-Type changes from {before.headers['Content-Type']} to text/markdown.",
        "metadata symbol is set to BTC-USD.",
        "Tag team is set to research.",
    ]
    assert "the former one stays" in dialog.effect.text()
    dialog.go.click()
    until(qtbot, tab, "Properties of note.txt changed.")
    now = properties_of(bucket)
    assert now.headers["Content-Type"] == "text/markdown"
    assert now.metadata == {**before.metadata, "symbol": "BTC-USD"}
    assert now.tags == (("team", "research"),)
    qtbot.waitUntil(
        lambda: "symbol BTC-USD" in tab.object.inspector.value("Metadata"), timeout=WAIT
    )
    active(tab, qtbot)
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Z, CTRL)
    until(qtbot, tab, "Properties of note.txt restored.")
    assert properties_of(bucket) == before


def test_a_save_that_fails_halfway_does_not_state_that_nothing_was_changed(
    tab, qtbot, bucket, monkeypatch
):
    @states_effect("changed", ("CopyObject",))
    def refused(*_arguments, **_more):
        raise AccessDenied("The copy is denied")

    monkeypatch.setattr(properties, "change_properties", refused)
    dialog = opened(tab, qtbot)
    dialog.headers["Content-Type"].setText("text/markdown")
    dialog.tags.setPlainText("team=research")
    dialog.go.click()
    qtbot.waitUntil(lambda: "The copy is denied" in dialog.changes.text(), timeout=WAIT)
    settled(qtbot, tab)
    assert properties_of(bucket).tags == (("team", "research"),)
    assert "a part was changed" in dialog.changes.text()
    assert "Nothing was changed" not in dialog.changes.text()
    dialog.reject()


def test_an_undo_that_fails_halfway_does_not_state_that_nothing_was_changed(
    tab, qtbot, bucket, monkeypatch
):
    before = properties_of(bucket)
    dialog = opened(tab, qtbot)
    dialog.headers["Content-Type"].setText("text/markdown")
    dialog.tags.setPlainText("team=research")
    dialog.go.click()
    until(qtbot, tab, "Properties of note.txt changed.")

    @states_effect("changed")
    def refused(*_arguments, **_more):
        raise AccessDenied("The tags are denied")

    monkeypatch.setattr(properties, "change_tags", refused)
    tab.tools.properties._steps.undo()
    until(qtbot, tab, "The tags are denied")
    assert properties_of(bucket).headers == before.headers
    shown = " ".join(label.text() for label in tab.banner.findChildren(QLabel))
    assert "a part was restored" in shown
    assert "Nothing was" not in shown


def test_a_line_without_a_value_cannot_be_saved(tab, qtbot):
    dialog = opened(tab, qtbot)
    dialog.metadata.setPlainText("symbol")
    assert "has no name and value" in dialog.changes.text()
    assert not dialog.go.isEnabled()
    dialog.reject()


def test_a_conflict_is_shown_in_the_dialog(tab, qtbot, bucket):
    dialog = opened(tab, qtbot)
    put(bucket, "note.txt", b"other")
    dialog.headers["Cache-Control"].setText("no-cache")
    dialog.go.click()
    qtbot.waitUntil(lambda: "changed by another client" in dialog.changes.text(), timeout=WAIT)
    assert in_other_thread(read, bucket, "note.txt") == b"other"
    dialog.reject()


def test_a_locked_profile_shows_properties_but_changes_nothing(tab, qtbot, context):
    context.lock()
    dialog = opened(tab, qtbot)
    dialog.headers["Cache-Control"].setText("no-cache")
    assert not dialog.go.isEnabled()
    assert "read-only" in dialog.go.reason
    dialog.reject()


@pytest.fixture
def versions(tab, qtbot, bucket):
    """Return the dialog with three versions of an object."""
    put(bucket, "note.txt", b'{"a": 1.0}')
    put(bucket, "note.txt", b'{"a": 1.00}')
    tab.refresh()
    settled(qtbot, tab)
    press(tab, qtbot, Qt.Key.Key_V, CTRL | Qt.KeyboardModifier.ShiftModifier)
    dialog = tab.tools.versions.dialog
    qtbot.waitUntil(lambda: dialog.model.rowCount() == 3, timeout=WAIT)
    yield dialog
    dialog.reject()
    settled(qtbot, tab)


def ids(bucket):
    return [each.version_id for each in in_other_thread(list_versions, bucket, "note.txt")]


def test_two_versions_are_compared(versions, qtbot):
    assert versions.count.text().startswith("3 versions")
    assert not versions.compare.isEnabled()
    for row in (0, 1):
        index = versions.model.index(row, 0)
        flags = versions.table.selectionModel().SelectionFlag
        versions.table.selectionModel().select(index, flags.Select | flags.Rows)
    versions.compare.click()
    qtbot.waitUntil(lambda: bool(versions.difference.toPlainText()), timeout=WAIT)
    assert versions.difference.toPlainText() == "- a: 1.0\n+ a: 1.00"


def test_a_former_version_is_previewed_and_restored(versions, qtbot, tab, bucket):
    choose_row(versions.table, 2)
    assert versions.selected[0].size == 5
    qtbot.waitUntil(lambda: versions.preview.content_view is not None, timeout=WAIT)
    versions.restore.click()
    until(qtbot, tab, "is current again")
    assert in_other_thread(read, bucket, "note.txt") == b"hello"
    qtbot.waitUntil(lambda: versions.model.rowCount() == 4, timeout=WAIT)


def test_one_version_is_deleted_after_its_name_was_typed(versions, qtbot, tab, bucket):
    choose_row(versions.table, 1)
    chosen = versions.selected[0].version_id
    versions.delete.click()
    question = tab.tools.versions.question
    assert not question.go.isEnabled()
    question.field.setText("note.txt")
    question.go.click()
    until(qtbot, tab, "The version was deleted.")
    assert chosen not in ids(bucket)
    qtbot.waitUntil(lambda: versions.model.rowCount() == 2, timeout=WAIT)


def test_the_address_is_copied_in_the_chosen_form(tab, qtbot, workspace):
    menu = copy_menu(tab, workspace.profile, "bkt", "a/b.csv")
    titles = [each.text() for each in menu.actions()]
    assert titles == [f"Copy as {each}" for each in (
        "Key", "S3 URI", "ARN", "URL", "AWS command line", "boto3", "DuckDB", "pandas",
    )]  # fmt: skip
    menu.actions()[2].trigger()
    assert QGuiApplication.clipboard().text() == "arn:aws:s3:::bkt/a/b.csv"
    menu.close()
    tab.folder.select("note.txt")
    qtbot.waitUntil(lambda: tab.object.inspection is not None, timeout=WAIT)
    tab.object.inspector.copy_as.click()
    popup = QApplication.activePopupWidget()
    assert popup.actions()[0].text() == "Copy as Key"
    popup.close()


@pytest.mark.parametrize("bucket", [False], indirect=True)
def test_without_versions_the_loss_of_the_former_state_is_announced(tab, qtbot, bucket):
    dialog = opened(tab, qtbot)
    dialog.headers["Cache-Control"].setText("no-cache")
    assert "This bucket has no versions, so this cannot be undone." in dialog.effect.text()
    assert dialog.summary.text() == "1 change. The former state may be lost."
    dialog.headers["Cache-Control"].setText("")
    dialog.tags.setPlainText("team=desk")
    assert "Tags are replaced in place" in dialog.effect.text()
    assert dialog.summary.text() == "1 change"
    dialog.reject()


@pytest.mark.parametrize("width", [500, 780, 1100])
def test_all_columns_of_the_versions_are_visible_at_any_width(qtbot, width):
    dialog = VersionsDialog(None, "a/b.json")
    qtbot.addWidget(dialog)
    stored = datetime(2024, 1, 15, 10, tzinfo=UTC)
    version = ObjectVersion(
        "v1", stored, 5, current=True, marker=False, storage_class="STANDARD_IA"
    )
    dialog.show_versions([version])
    with qtbot.waitExposed(dialog):
        dialog.show()
    dialog.resize(width, 480)
    bar, header = dialog.table.horizontalScrollBar(), dialog.table.horizontalHeader()
    qtbot.waitUntil(lambda: header.length() == dialog.table.viewport().width())
    assert bar.maximum() == 0
    assert dialog.model.index(0, 3).data() == "Standard-IA"
