"""A new secret is selected, and a save shows what it changes."""

from threading import Event
from types import SimpleNamespace

import pytest
from helpers.credentials import DATABASE, STORAGE, names_in, opened, settled

from core.errors import Offline
from core.model.rotation import Facts, Outcome, Step, StepState
from core.storage.aws_secrets_manager import SecretsManager
from gui.dialogs.confirm import Confirm
from gui.tabs.credentials.secrets.secret_dialogs import DeleteSecret, NewSecret
from gui.tabs.credentials.secrets.templates import TEMPLATES


def row_of(tab, key):
    return next(row for row in tab.secret.editor.form.fields if row.row.key == key)


def type_into(qtbot, row, text):
    row.field.line.selectAll()
    qtbot.keyClicks(row.field.line, text)


def create(qtbot, tab, name):
    tab.secrets.new.click()
    dialog = opened(qtbot, tab, NewSecret)
    dialog.template.setCurrentIndex(len(TEMPLATES) - 1)
    dialog.name.setText(name)
    dialog.editor.set_text('{"host": "h"}')
    dialog.editor.edited.emit()
    dialog.go.click()
    settled(qtbot, tab)


@pytest.mark.parametrize("case", ["plain", "hidden by the filter", "beside a rotation", "lag"])
def test_a_created_secret_is_selected_and_delete_aims_at_it(tab, qtbot, server, monkeypatch, case):
    name = "cryptotrading/zz-new"
    if case == "hidden by the filter":
        tab.secrets.filter.setText("database")
    elif case == "beside a rotation":
        tab.rotation.open(STORAGE)
        settled(qtbot, tab)
    elif case == "lag":
        listed = SecretsManager.list_infos
        monkeypatch.setattr(
            SecretsManager,
            "list_infos",
            lambda *a, **k: tuple(each for each in listed(*a, **k) if each.name != name),
        )
    create(qtbot, tab, name)
    assert tab.secrets.current.name == name
    assert tab.secret.name == name
    assert tab.secret.value is not None
    tab.secret.delete.click()
    dialog = opened(qtbot, tab, DeleteSecret)
    assert dialog.windowTitle() == f"Delete {name}?"
    dialog.reject()


def test_a_created_secret_does_not_discard_what_is_being_edited(tab, qtbot, server):
    type_into(qtbot, row_of(tab, "host"), "x")
    create(qtbot, tab, "cryptotrading/zz-new")
    opened(qtbot, tab, Confirm).reject()
    assert tab.secrets.current.name == DATABASE
    assert tab.secret.dirty


def test_a_save_shows_open_values_and_hides_the_others(tab, qtbot):
    for key, text in (("host", "other-host"), ("port", ""), ("password", "a new canary")):
        type_into(qtbot, row_of(tab, key), text)
        if not text:
            row_of(tab, key).field.line.clear()
            row_of(tab, key).edited.emit()
    tab.secret.save.click()
    question = opened(qtbot, tab, Confirm)
    assert names_in(question) == [
        "~ host: db → other-host",
        "~ port: 5432 → (empty)",
        "~ password: changed",
    ]
    question.reject()


def test_requests_of_a_rotation_are_seen_by_the_connections_indicator(tab, qtbot, monkeypatch):
    watched = []
    monkeypatch.setattr(tab.rotation, "_rotator", lambda workspace: workspace)

    def act(workspace, _work):
        watched.append(workspace.clients._watcher)
        raise Offline("The endpoint cannot be reached")

    tab.rotation._work("rotation.start", STORAGE, act)
    settled(qtbot, tab)
    assert callable(watched[0])


def test_the_result_of_a_change_is_stated(tab, qtbot, server):
    create(qtbot, tab, "cryptotrading/zz-new")
    assert tab.banner.text == "cryptotrading/zz-new was created."
    tab.actions_on_secret._delete("cryptotrading/zz-new", 7, force=False)
    settled(qtbot, tab)
    assert tab.banner.text == "cryptotrading/zz-new was deleted. It can be restored for 7 days."


def test_a_rotation_that_made_nothing_is_not_logged_as_undone(tab, qtbot, context, monkeypatch):
    made = SimpleNamespace(secret=STORAGE, outcome=Outcome.UNDONE, facts=Facts())
    monkeypatch.setattr(tab.rotation_pane, "show_rotation", lambda _rotation, *, busy: None)
    monkeypatch.setattr(tab.rotation, "_switch", lambda _rotation: None)
    for state, logged in ((StepState.FAILED, 0), (StepState.UNDONE, 1)):
        made.steps = (SimpleNamespace(state=state, step=Step.CREATE),)
        tab.rotation._work("rotation.start", STORAGE, lambda *_services: made)
        settled(qtbot, tab)
        actions = [entry.change.action for entry in context.log.read()]
        assert actions.count("Undoing a rotation") == logged


def test_a_rotation_that_is_stopped_before_its_first_step_is_not_busy_any_more(
    tab, qtbot, monkeypatch
):
    monkeypatch.setattr(tab.rotation, "_rotator", lambda workspace: workspace)
    tab.rotation.secret = STORAGE

    def act(_workspace, work):
        work.token.wait(30)  # as for an answer of a server that is silent

    tab.rotation._work("rotation.start", STORAGE, act)
    assert tab.rotation_pane.stop.isVisibleTo(tab.rotation_pane)
    tab.rotation_pane.stop.click()
    settled(qtbot, tab)
    assert tab.rotation_pane.banner.text == "Stopped. Nothing was changed."
    assert tab.rotation_pane.stop.isHidden()
    assert tab.rotation._tasks == {}


def test_a_rotation_that_ends_after_another_profile_was_chosen_is_not_running_any_more(
    tab, qtbot, context, monkeypatch
):
    go = Event()
    monkeypatch.setattr(tab.rotation, "_rotator", lambda workspace: workspace)
    made = SimpleNamespace(secret=STORAGE, outcome=Outcome.RUNNING, facts=Facts(), steps=())
    tab.rotation._work("rotation.start", STORAGE, lambda *_services: go.wait(10) and made)
    context.set_workspace(None)
    go.set()
    settled(qtbot, tab)
    assert tab.rotation._tasks == {}


def test_a_name_that_is_scheduled_for_deletion_refers_to_the_restoration(tab, qtbot, server):
    server.delete_secret(SecretId=DATABASE)
    tab.refresh()
    settled(qtbot, tab)
    tab.secrets.new.click()
    dialog = opened(qtbot, tab, NewSecret)
    for name, reason in ((DATABASE, "scheduled for deletion: restore"), (STORAGE, "exists")):
        dialog.name.setText(name)
        assert not dialog.go.isEnabled()
        assert reason in dialog.go.toolTip()
    dialog.reject()
