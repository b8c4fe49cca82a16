"""The doctor dialog shows findings and repairs, alone and on the demo server."""

from threading import Event

import pytest
from helpers.credentials import STORAGE, settled
from helpers.rotation_world import World
from helpers.user_input import User
from helpers.widget_tree import labels_with_html, unnamed

from core.doctor.doctor import Doctor
from core.errors import Offline
from core.model.doctor import Diagnosis, Finding, FindingKind, Repair, RepairKind
from core.workspace import Workspace
from gui.dialogs.confirm import Confirm
from gui.tabs.base import Tab
from gui.tabs.credentials.rotation.doctor_actions import DoctorActions
from gui.tabs.credentials.rotation.doctor_dialog import DoctorDialog

OFF = Repair(RepairKind.DEACTIVATE, "Deactivate the key", "It is refused.", "Activate it.")
GONE = Repair(RepairKind.DELETE, "Delete the key", "It is gone.", "There is none.", "AKIAX")
FINDING = Finding(
    FindingKind.ORPHAN_KEY, "a/b", "AKIAX", "bot has <b>a second</b> key", repairs=(OFF, GONE)
)


@pytest.fixture
def dialog(context, qtbot):
    tab = Tab(context)
    qtbot.addWidget(tab)
    dialog = DoctorDialog(tab)
    dialog.show()
    yield dialog
    dialog.close()


def test_findings_have_their_repairs_and_foreign_text_stays_text(dialog, qtbot):
    dialog.show_diagnosis(Diagnosis((FINDING,), ("a/b",), ("a/c: needs iam:ListAccessKeys",)))
    assert unnamed(dialog) == []
    assert labels_with_html(dialog) == []
    with qtbot.waitSignal(dialog.repair_clicked) as clicked:
        dialog._repairs[1].click()
    assert clicked.args == [FINDING, GONE]
    dialog.set_locked("The profile is read-only.")
    assert not any(button.isEnabled() for button in dialog._repairs)


def test_all_is_well_is_said_and_a_failure_too(dialog):
    dialog.show_diagnosis(Diagnosis((), ("a", "b")))
    assert dialog.area.widget()._title.text() == "No problems found"
    dialog.show_error(Offline("The endpoint cannot be reached"))
    assert dialog.banner.text == "The endpoint cannot be reached"
    assert dialog.examine.isEnabled()


def test_a_failed_examination_does_not_seem_to_continue(dialog):
    dialog.show_loading()
    dialog.show_not_examined(Offline("The endpoint cannot be reached"))
    assert dialog.area.widget()._title.text() == "The secrets could not be examined"
    assert dialog.banner.text == "The endpoint cannot be reached"
    assert dialog.examine.isEnabled()


def test_a_finding_without_a_repair_leads_to_its_secret(tab, qtbot, server, workspace):
    """A repair that names the secret first shows the name as it is."""
    actions = tab.doctor
    actions.open()
    settled(qtbot, tab)
    dead = Finding(FindingKind.DEAD_KEY, STORAGE, "AKIAX", "The key is refused")
    actions.dialog.show_diagnosis(Diagnosis((dead,), (STORAGE,)))
    actions._on_done(dead, f"{STORAGE} is restored")
    assert actions.dialog.banner.text == f"{STORAGE} is restored."
    settled(qtbot, tab)
    actions.dialog.show_diagnosis(Diagnosis((dead,), (STORAGE,)))
    User(qtbot, tab).press(f"Show the secret {STORAGE}", actions.dialog)
    assert actions.dialog is None
    assert tab.secrets.current.name == STORAGE
    settled(qtbot, tab)


def test_closing_the_dialog_ends_the_examination(context, qtbot, demo_server, monkeypatch):
    began, ends = Event(), []

    def examine(_doctor, *, work):
        began.set()
        try:
            work.token.wait(60)
        finally:
            ends.append(work.token.cancelled)

    monkeypatch.setattr(Doctor, "examine", examine)
    tab = Tab(context)
    qtbot.addWidget(tab)
    tab.show()
    context.set_workspace(Workspace.open(demo_server.connection))
    actions = DoctorActions(tab)
    actions.open()
    qtbot.waitUntil(began.is_set)
    actions.dialog.close()
    qtbot.waitUntil(lambda: not tab.busy)
    assert ends == [True]
    context.set_workspace(None)


def test_an_orphan_key_is_found_and_repaired_in_the_window(context, qtbot, demo_server):
    world = World(demo_server)
    orphan = world.iam.create_access_key(UserName=world.user)["AccessKey"]["AccessKeyId"]
    tab = Tab(context)
    qtbot.addWidget(tab)
    tab.show()
    user = User(qtbot, tab)
    context.set_workspace(Workspace.open(demo_server.connection))
    actions = DoctorActions(tab)
    changed = []
    actions.changed.connect(changed.append)
    actions.open()
    user.press(f"Deactivate the key: {orphan}", actions.dialog)
    user.press("Deactivate the key", user.dialog(Confirm))
    user.until(lambda: changed == [world.secret])
    assert world.keys[orphan] is False
    user.press(f"Delete the key: {orphan}", actions.dialog)
    question = user.dialog(Confirm)
    assert not question.go.isEnabled(), "what cannot be undone requires typing the name"
    user.fill("Name to type", orphan, question)
    user.press("Delete the key", question)
    user.until(lambda: len(changed) == 2)
    world.check_as_before()
    world.close()
    actions.dialog.close()
    user.until(lambda: actions.dialog is None and not tab.busy)
    context.set_workspace(None)
    logged = [(entry.change.action, entry.change.subject) for entry in context.log.read()]
    assert logged == [
        ("Repairing a finding", f"{orphan}: deactivate the key"),
        ("Repairing a finding", f"{orphan}: delete the key"),
    ]
