"""A link to a missing object causes a warning beforehand and is never shown as working."""

from uuid import uuid4

import pytest

from core.engine.changes import OperationCall
from core.engine.operations import changes_made
from core.links.revocation import KeyDeactivation
from core.workspace import Workspace
from gui.dialogs.confirm import Confirm
from gui.tabs.links import LinksTab, revocation
from gui.tabs.links.qr_dialog import QRDialog
from gui.tabs.links.revoke_dialog import RevokeDialog, StatementDialog
from gui.widgets.table import choose_row

BUCKET = "tentimecrypto"
WAIT = 30_000


@pytest.fixture
def tab(context, demo_server, qtbot):
    workspace = Workspace.open(demo_server.connection)
    context.set_workspace(workspace)
    tab = LinksTab(context)
    qtbot.addWidget(tab)
    tab.resize(1100, 552)
    tab.show()
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    yield tab
    context.set_workspace(None)
    workspace.close()


def announce(context, operation, **arguments):
    for change in changes_made(OperationCall(operation, arguments, BUCKET, origin="test"), None):
        context.announce(change)


def state(tab, key):
    model = tab.ledger_model
    rows = [row for row in range(model.rowCount()) if model.entry(row).key == key]
    return model.index(rows[0], 2).data() if rows else None


def warning(tab):
    label = tab.form._existence
    return label.text() if label.isVisible() else ""


def test_a_missing_key_is_warned_of_before_a_link_is_made(tab, demo_s3, demo_prefix, qtbot):
    key = f"{demo_prefix}report.json"
    tab.form.keys.setPlainText(key)
    qtbot.waitUntil(lambda: "no object" in warning(tab), timeout=WAIT)
    assert tab.form.make.text() == "Create link anyway"
    tab.form.purpose.select("PUT")
    qtbot.waitUntil(lambda: not tab.busy and not tab.form._typing.isActive(), timeout=WAIT)
    assert warning(tab) == "", "an upload link needs no object"
    demo_s3.put_object(Bucket=BUCKET, Key=key, Body=b"1")
    tab.refresh()
    qtbot.waitUntil(lambda: "replaces it" in warning(tab), timeout=WAIT)
    tab.form.purpose.select("GET")
    qtbot.waitUntil(lambda: not tab.busy and not tab.form._typing.isActive(), timeout=WAIT)
    assert (warning(tab), tab.form.make.text()) == ("", "Create link")


def test_a_link_to_a_missing_key_is_made_and_never_called_alive(
    tab, context, demo_s3, demo_prefix, qtbot
):
    key = f"{demo_prefix}{uuid4().hex}"
    tab.form.keys.setPlainText(key)
    tab.form.make.click()
    qtbot.waitUntil(lambda: state(tab, key) == "no object", timeout=WAIT)
    assert "there is no object" in tab.banner.text
    demo_s3.put_object(Bucket=BUCKET, Key=key, Body=b"1")
    announce(context, "objects.copy", target=key)
    qtbot.waitUntil(lambda: state(tab, key) == "active", timeout=WAIT)
    tab.hide()
    demo_s3.delete_object(Bucket=BUCKET, Key=key)
    announce(context, "objects.delete", key=key)
    tab.show()
    qtbot.waitUntil(lambda: state(tab, key) == "no object", timeout=WAIT)


def test_of_several_keys_those_without_an_object_are_named(tab, demo_s3, demo_prefix, qtbot):
    demo_s3.put_object(Bucket=BUCKET, Key=f"{demo_prefix}a", Body=b"1")
    tab.form.set_keys([f"{demo_prefix}{name}" for name in "abc"])
    qtbot.waitUntil(lambda: bool(warning(tab)), timeout=WAIT)
    assert warning(tab) == (
        "2 of 3 keys have no object now: …/b, …/c. Their links work only once the objects exist."
    )
    assert tab.form.make.text() == "Create 3 links anyway"
    tab.form.set_keys([f"{demo_prefix}{name}" for name in "ab"])
    qtbot.waitUntil(lambda: warning(tab).startswith("1 of 2 keys has no object"), timeout=WAIT)
    assert warning(tab).endswith(": …/b. Its link works only once the object exists.")


def test_a_test_of_one_link_leaves_it_selected_for_the_copy(tab, demo_prefix, qtbot):
    assert not tab.copy_as.isEnabled()
    assert tab.copy_as.reason == "Create a link first."
    tab.form.set_keys([f"{demo_prefix}{name}" for name in "ab"])
    qtbot.waitUntil(lambda: bool(warning(tab)), timeout=WAIT)
    tab.form.make.click()
    qtbot.waitUntil(lambda: tab.made.rowCount() == 2, timeout=WAIT)
    choose_row(tab.made_table, 0)
    tab.try_out.click()
    result = tab.made.index(0, 3)
    qtbot.waitUntil(lambda: "does not exist" in str(result.data()), timeout=WAIT)
    tab.copy.click()
    assert tab.banner.text.startswith("Copied: 1 link.")


def only_dialog(tab, kind, qtbot):
    qtbot.waitUntil(lambda: any(one.isVisible() for one in tab.findChildren(kind)), timeout=WAIT)
    return next(one for one in tab.findChildren(kind) if one.isVisible())


@pytest.mark.parametrize("purpose", ["POST", "GET"])
def test_a_form_has_no_qr_code_and_a_link_has_one(tab, demo_prefix, qtbot, purpose):
    tab.form.purpose.select(purpose)
    tab.form.keys.setPlainText(f"{demo_prefix}x")
    tab.form.make.click()
    qtbot.waitUntil(lambda: bool(tab.made.links), timeout=WAIT)
    assert tab.made.links[0].method == purpose
    tab.qr.click()
    if purpose == "POST":
        assert "no QR code" in tab.banner.text
    else:
        only_dialog(tab, QRDialog, qtbot).reject()


def test_the_key_is_deactivated_only_after_its_id_was_typed(
    tab, demo_server, demo_prefix, qtbot, monkeypatch
):
    ended = []
    monkeypatch.setattr(
        revocation,
        "deactivate_key",
        lambda _clients, key_id, _ledger, work: (
            ended.append(key_id) or KeyDeactivation(key_id, "admin", 1)
        ),
    )
    key = f"{demo_prefix}{uuid4().hex}"
    tab.form.keys.setPlainText(key)
    tab.form.make.click()
    qtbot.waitUntil(lambda: state(tab, key) is not None, timeout=WAIT)
    assert not tab.revoke.isEnabled()
    tab.ledger_table.selectRow(0)
    assert tab.revoke.isEnabled()
    tab.revoke.click()
    dialog = only_dialog(tab, RevokeDialog, qtbot)
    dialog.deny.click()
    statement = only_dialog(dialog, StatementDialog, qtbot)
    assert key in statement.statement.toPlainText()
    statement.reject()
    assert dialog.show_object.isEnabled()
    dialog.deactivate.click()
    question = only_dialog(tab, Confirm, qtbot)
    assert not question.go.isEnabled()
    question.field.setText(demo_server.admin.access_key_id)
    question.go.click()
    qtbot.waitUntil(lambda: bool(ended), timeout=WAIT)
    assert ended == [demo_server.admin.access_key_id]
    qtbot.waitUntil(lambda: "is deactivated" in tab.banner.text, timeout=WAIT)
