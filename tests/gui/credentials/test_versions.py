"""Versions are compared and rolled back, and foreign changes are reported."""

import json

import pytest
from helpers.aws import connection
from helpers.credentials import DATABASE, DATABASE_TEXT, STORAGE, opened, settled
from helpers.widget_tree import labels_with_html, unnamed
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from core.model.connection import ProfileColour
from core.model.secret_names import CURRENT, PREVIOUS
from core.model.secrets import SecretInfo, SecretValue
from core.redaction import Secret
from core.rotation.rollback import RollBack
from core.secrets.secret_text import SecretDiff
from core.workspace import Workspace
from gui.dialogs.confirm import Confirm
from gui.tabs.credentials.secrets.edit_conflict import EditConflict
from gui.tabs.credentials.secrets.version_dialogs import CompareVersions, RollBackPreview
from gui.tabs.credentials.secrets.versions_model import short
from gui.tabs.credentials.secrets.versions_pane import VersionsPane
from gui.widgets.labels import Elided

THEIRS = '{"host": "theirs-canary", "port": "5432", "rate": 1.10, "note": "x"}'


def text_on(server, name=DATABASE, stage=CURRENT):
    return server.get_secret_value(SecretId=name, VersionStage=stage)["SecretString"]


def version_on(server, stage):
    return server.get_secret_value(SecretId=DATABASE, VersionStage=stage)["VersionId"]


def shown_text(dialog):
    """Every text that a dialog shows, bullets of hidden fields included; all of it is sound."""
    assert unnamed(dialog) == []
    assert labels_with_html(dialog) == []
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    return "\n".join(texts + [line.displayText() for line in dialog.findChildren(QLineEdit)])


def edit(qtbot, tab, key, text):
    row = next(row for row in tab.secret.editor.form.fields if row.row.key == key)
    row.field.line.selectAll()
    qtbot.keyClicks(row.field.line, text)


@pytest.fixture
def two(tab, qtbot, server):
    """The tab on a secret of two versions."""
    server.put_secret_value(SecretId=DATABASE, SecretString='{"host": "bad-canary", "new": "y"}')
    tab.refresh()
    settled(qtbot, tab)
    return tab


# Comparing.


def test_two_versions_are_compared_by_key_and_each_value_is_revealed_alone(two, qtbot):
    two.versions.compare.click()
    dialog = opened(qtbot, two, CompareVersions)
    shown = shown_text(dialog)
    for word in ("host", "new", "password", "changed", "added", "removed"):
        assert word in shown
    assert "canary" not in shown
    assert set(dialog.fields) == {
        ("host", "older"), ("host", "newer"), ("new", "newer"),
        ("port", "older"), ("rate", "older"), ("password", "older"),
    }  # fmt: skip
    dialog.fields["host", "newer"].eye.click()
    assert "bad-canary" in shown_text(dialog)
    assert "canary-password" not in shown_text(dialog)
    assert dialog.fields["host", "newer"].line.isReadOnly()
    dialog.reject()


def test_any_two_versions_can_be_chosen(two, qtbot, server):
    server.put_secret_value(SecretId=DATABASE, SecretString="plain-canary")
    two.refresh()
    settled(qtbot, two)
    assert two.versions.model.rowCount() == 3
    two.versions.table.selectAll()
    assert not two.versions.compare.isEnabled()
    assert not two.versions.roll_back.isEnabled()
    two.versions.table.clearSelection()
    selection = two.versions.table.selectionModel()
    flags = selection.SelectionFlag
    for row in range(3):
        index = two.versions.model.index(row, 0)
        if CURRENT not in two.versions.model.version(row).stages:
            selection.select(index, flags.Select | flags.Rows)
    two.versions.compare.click()
    dialog = opened(qtbot, two, CompareVersions)
    assert ("new", "newer") in dialog.fields
    dialog.reject()


def test_a_text_without_keys_is_compared_as_a_complete(two, qtbot, server):
    server.put_secret_value(SecretId=DATABASE, SecretString="plain-canary")
    two.refresh()
    settled(qtbot, two)
    two.versions.compare.click()
    dialog = opened(qtbot, two, CompareVersions)
    assert "canary" not in shown_text(dialog)
    assert set(dialog.fields) == {
        ("(the complete text)", "older"),
        ("(the complete text)", "newer"),
    }
    dialog.reject()


def test_texts_of_several_lines_are_hidden_and_compared_by_line(themed, qtbot):
    def compared(*texts):
        older, newer = (SecretValue("s", "v" * 32, Secret(text)) for text in texts)
        dialog = CompareVersions(None, older, newer)
        qtbot.addWidget(dialog)
        return dialog

    dialog = compared("BEGIN\ncanary-1\nEND", "BEGIN\ncanary-2\nEND")
    dialog.show()
    assert dialog.fields == {}
    assert "canary" not in shown_text(dialog)
    assert "The versions differ in line 2." in shown_text(dialog)
    page = dialog.texts["newer"]
    page.cover.button.click()
    assert page.view.isReadOnly()
    assert page.view.toPlainText() == "BEGIN\ncanary-2\nEND"
    assert not dialog.texts["older"].revealed
    dialog.reject()
    for texts, note in (
        (("a\nb\nc\nd", "a\nx\ny\nd"), "The versions differ between line 2 and line 3."),
        (("a\nb\nc", "a\nc"), "Lines after line 1 were removed."),
        (("one line", "a\nb"), "The versions differ between line 1 and line 2."),
    ):
        assert note in shown_text(compared(*texts))


def test_of_thousands_of_keys_the_first_have_a_row_and_the_others_are_counted(qtbot):
    texts = [json.dumps({f"key-{n}": word for n in range(1_101)}) for word in ("canary-a", "b")]
    older, newer = (SecretValue("s", "v" * 32, Secret(text)) for text in texts)
    compared = CompareVersions(None, older, newer)
    qtbot.addWidget(compared)
    assert len(compared.fields) == 200
    assert "… and 1,001 more keys" in shown_text(compared)
    conflict = EditConflict(
        None, opened=older, theirs=newer, mine=older.text, load=None, overwrite=None
    )
    qtbot.addWidget(conflict)
    assert "… and 1,001 more keys" in shown_text(conflict)
    difference = SecretDiff(changed=tuple(conflict.by_them))
    found = RollBack("s", "b" * 32, "a" * 32, None, "", (), difference, (), ())
    preview = RollBackPreview(None, found, list)
    qtbot.addWidget(preview)
    assert "… and 1,001 more keys" in shown_text(preview)


# Rolling back.


def test_one_click_leads_to_the_preview_and_one_more_back(two, qtbot, server, context):
    now, before = version_on(server, CURRENT), version_on(server, PREVIOUS)
    two.versions.roll_back.click()
    preview = opened(qtbot, two, RollBackPreview)
    shown = shown_text(preview)
    for version in (now, before):
        assert version[:4] in shown
    for word in ("AWSCURRENT", "AWSPREVIOUS", "host", "new", "password", "ago"):
        assert word in shown
    assert "canary" not in shown
    assert version_on(server, CURRENT) == now
    preview.go.click()
    settled(qtbot, two)
    assert (version_on(server, CURRENT), version_on(server, PREVIOUS)) == (before, now)
    assert text_on(server) == DATABASE_TEXT
    assert two.secret.value.version_id == before
    assert context.log.read()[-1].change.action == "Rolling a secret back"
    assert two.banner.text == f"{DATABASE} was rolled back to version {short(before)}."


def test_a_rollback_and_a_refresh_disable_no_button_and_clear_no_selection(two, qtbot):
    pane, states = two.versions, []
    pane.table.selectRow(1)
    chosen = pane.model.version(1)
    pane.roll_back.setFocus()
    pane.roll_back.click()
    preview = opened(qtbot, two, RollBackPreview)
    pane.model.modelReset.connect(lambda: states.append(pane.model.rowCount()))
    preview.go.click()
    settled(qtbot, two)
    two.refresh()
    settled(qtbot, two)
    assert states
    assert 0 not in states, "the old versions stay until the new ones are listed"
    assert two.window().focusWidget() is pane.roll_back
    selected = pane.table.selectionModel().selectedRows()
    assert [pane.model.version(row.row()).version_id for row in selected] == [chosen.version_id]


def test_a_dead_access_key_in_the_older_version_is_warned_of(tab, qtbot, server):
    value = json.loads(text_on(server, STORAGE)) | {"aws_access_key_id": "AKIANEW"}
    server.put_secret_value(SecretId=STORAGE, SecretString=json.dumps(value))
    tab.refresh()
    tab.secrets.choose(STORAGE)
    settled(qtbot, tab)
    tab.versions.roll_back.click()
    preview = opened(qtbot, tab, RollBackPreview)
    assert len(preview.found.warnings) == 1
    assert preview.found.warnings[0] in shown_text(preview)
    preview.reject()
    assert json.loads(text_on(server, STORAGE))["aws_access_key_id"] == "AKIANEW"


def test_a_single_version_and_a_locked_profile_offer_no_way_back(tab, qtbot, context, server):
    assert not tab.versions.roll_back.isEnabled()
    assert "no older version" in tab.versions.roll_back.toolTip()
    assert not tab.versions.compare.isEnabled()
    server.put_secret_value(SecretId=DATABASE, SecretString="{}")
    context.set_workspace(Workspace.open(connection(colour=ProfileColour.RED)))
    settled(qtbot, tab)
    assert "read-only" in tab.versions.roll_back.toolTip()
    assert tab.versions.compare.isEnabled()


# Another user.


@pytest.fixture
def conflict(tab, qtbot, server):
    """The question after a save that came second."""
    edit(qtbot, tab, "port", "6543")
    edit(qtbot, tab, "host", "mine")
    server.put_secret_value(SecretId=DATABASE, SecretString=THEIRS)
    tab.secret.save.click()
    opened(qtbot, tab, Confirm).go.click()
    return opened(qtbot, tab, EditConflict)


def test_whose_keys_differ_is_reported_without_a_value(conflict):
    assert conflict.by_us == {"port": "changed", "host": "changed"}
    assert conflict.by_them == {"note": "added", "host": "changed", "password": "removed"}
    assert "canary" not in shown_text(conflict)
    assert "undoes their changes to" in shown_text(conflict)
    assert conflict.keep.isDefault()
    conflict.reject()


def test_keep_editing_keeps_both(conflict, tab, server):
    conflict.keep.click()
    assert text_on(server) == THEIRS
    assert tab.secret.dirty


def test_load_theirs_discards_ours(conflict, tab, qtbot, server):
    conflict.load.click()
    settled(qtbot, tab)
    assert text_on(server) == THEIRS
    assert not tab.secret.dirty
    assert tab.secret.editor.text == THEIRS


def test_save_over_keeps_theirs_as_the_previous_version(conflict, tab, qtbot, server):
    conflict.over.click()
    settled(qtbot, tab)
    assert json.loads(text_on(server))["port"] == "6543"
    assert text_on(server, stage=PREVIOUS) == THEIRS
    assert not tab.secret.dirty


def test_a_change_is_noticed_before_anything_is_saved(tab, qtbot, server):
    edit(qtbot, tab, "port", "6543")
    tab.refresh()
    settled(qtbot, tab)
    assert tab.banner.text == ""
    server.put_secret_value(SecretId=DATABASE, SecretString=THEIRS)
    tab.refresh()
    settled(qtbot, tab)
    assert "was changed by another client while you were editing it" in tab.banner.text
    assert tab.secret.dirty
    tab.banner._on_action()
    dialog = opened(qtbot, tab, EditConflict)
    assert dialog.by_us == {"port": "changed"}
    dialog.reject()


# How often it is saved.


def test_a_hasty_save_is_reported_what_aws_thinks_of_it(tab, qtbot, server):
    for at in range(7):
        server.put_secret_value(SecretId=DATABASE, SecretString=f'{{"host": "h{at}"}}')
    tab.refresh()
    settled(qtbot, tab)
    edit(qtbot, tab, "host", "another")
    tab.secret.save.click()
    question = opened(qtbot, tab, Confirm)
    assert "8 times within an hour" in shown_text(question)
    question.reject()


def texts_of(dialog):
    return [label.text() for label in dialog.findChildren(QLabel)]


def test_a_binary_value_is_compared_as_what_it_is(themed, qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    text = SecretValue("n", "1", Secret('{"a": "1"}'))
    binary = SecretValue("n", "2", Secret("AP9iaW5hcnk="), binary=True)
    other = SecretValue("n", "3", Secret("AP9vdGhlcg=="), binary=True)
    for older, newer in ((text, binary), (binary, text), (binary, other)):
        dialog = CompareVersions(parent, older, newer)
        assert set(dialog.fields) == {("(the binary value)", side) for side in ("older", "newer")}
        dialog.reject()
    assert "The older version has 8 bytes, the newer one 7 bytes." in texts_of(dialog)
    same = CompareVersions(parent, binary, binary)
    assert same.fields == {}
    assert "Both versions have the same 8 bytes." in texts_of(same)
    same.reject()


def test_the_region_of_a_secret_is_shown_beside_its_elided_arn(themed, qtbot, context):
    pane = VersionsPane(context)
    qtbot.addWidget(pane)
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:cryptotrading/database-AbCdEf"
    pane.show_info(SecretInfo("cryptotrading/database", arn=arn))
    region = next(each for each in pane.findChildren(Elided) if each.accessibleName() == "Region")
    assert region.text() == "eu-west-1"
    pane.show_info(SecretInfo("cryptotrading/database"))
    assert region.text() == "—"
