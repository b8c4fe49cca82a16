"""The Bucket tab shows, previews, saves and undoes lifecycle rules."""

from contextlib import closing

import pytest
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QDialog, QLabel, QPlainTextEdit, QPushButton, QScrollArea, QWidget

from core.errors import Offline
from core.lifecycle.rules import Configuration
from core.lifecycle.templates import archive
from core.model.connection import AccessKeys, Connection
from core.workspace import Workspace
from gui.dialogs.confirm import Confirm
from gui.tabs.bucket import BucketTab
from gui.tabs.bucket.rule_dialog import FormerRulesDialog, RuleDialog
from gui.tabs.bucket.rules_table import RulesModel
from gui.theme import ROW


@pytest.fixture
def tab(qtbot, context, demo_server, demo_s3):
    before = demo_s3.get_bucket_lifecycle_configuration(Bucket="tentimecrypto")["Rules"]
    made = BucketTab(context)
    qtbot.addWidget(made)
    made.resize(1280, 700)
    made.show()
    workspace = Workspace.open(demo_server.connection)
    context.set_workspace(workspace)
    qtbot.waitUntil(lambda: not made.busy, timeout=20_000)
    yield made
    demo_s3.put_bucket_lifecycle_configuration(
        Bucket="tentimecrypto", LifecycleConfiguration={"Rules": before}
    )
    workspace.close()


def ids(demo_s3):
    answer = demo_s3.get_bucket_lifecycle_configuration(Bucket="tentimecrypto")
    return {rule["ID"] for rule in answer["Rules"]}


def dialog(tab, kind, qtbot):
    qtbot.waitUntil(lambda: bool(tab.findChildren(kind)))
    return tab.findChildren(kind)[0]


def test_the_model_keeps_qt_s_rules(qapp):
    model = RulesModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show(Configuration((archive(),)))
    assert model.data(model.index(0, 3)).startswith("move to Standard-IA after 30 days")
    model.show(Configuration())


@pytest.mark.parametrize("width", [150, 250, 363, 900])
def test_a_rule_is_readable_in_any_width(tab, qtbot, width):
    tab.model.show(Configuration((archive(),)))
    tab.table.horizontalHeader().setStretchLastSection(False)
    delegate, text = tab.table.itemDelegate(), tab.model.index(0, 3)
    needed = delegate.height(text, width)
    assert needed == ROW if width == 900 else needed > ROW

    def fits():
        tab.table.setColumnWidth(3, width)  # the columns size themselves once after a new rule
        return tab.table.rowHeight(0) == needed

    qtbot.waitUntil(fits)


def test_the_archive_template_is_previewed_saved_and_undone(tab, qtbot, demo_s3):
    before = ids(demo_s3)
    tab.add.click()
    asked = dialog(tab, RuleDialog, qtbot)
    asked.ia_days.setValue(1)
    assert asked.ia_days.value() == 30
    asked.ia_days.setValue(80)
    assert not asked.save.isEnabled()
    assert "110 days" in asked._problem.text()
    asked.glacier_days.setValue(120)
    assert "+ ArchiveOldData" in asked._preview.toPlainText()
    asked.save.click()
    qtbot.waitUntil(lambda: "verified" in tab.banner.text, timeout=20_000)
    assert ids(demo_s3) == before | {"ArchiveOldData"}
    assert tab.model.rowCount() == len(before) + 1
    next(b for b in tab.banner.findChildren(QPushButton) if b.text() == "Undo").click()
    qtbot.waitUntil(lambda: "restored" in tab.banner.text, timeout=20_000)
    assert ids(demo_s3) == before


def test_the_reason_why_a_rule_cannot_be_saved_is_completely_visible(themed, qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    asked = RuleDialog(parent, Configuration(()), lambda _rules: None)
    asked.open()
    asked.ia_days.setValue(80)
    assert asked._problem.isVisible()
    # What scrolls can be below the visible part.
    assert not asked.findChild(QScrollArea).isAncestorOf(asked._problem)
    asked.reject()


def test_former_rules_are_previewed_restored_and_undone(tab, qtbot, demo_s3, context):
    tab.former.click()
    qtbot.waitUntil(lambda: "No rules" in tab.banner.text)
    before = ids(demo_s3)
    tab._save(tab._seen, tab._seen.merged(archive()))
    qtbot.waitUntil(lambda: "saved and verified" in tab.banner.text, timeout=20_000)
    tab.former.click()
    asked = dialog(tab, FormerRulesDialog, qtbot)
    assert "- ArchiveOldData" in asked._preview.toPlainText()
    asked.go.click()
    qtbot.waitUntil(lambda: "restored and verified" in tab.banner.text, timeout=20_000)
    assert ids(demo_s3) == before
    next(b for b in tab.banner.findChildren(QPushButton) if b.text() == "Undo").click()
    qtbot.waitUntil(lambda: ids(demo_s3) == before | {"ArchiveOldData"}, timeout=20_000)
    qtbot.waitUntil(lambda: not tab.busy)
    context.lock()
    qtbot.waitUntil(lambda: not tab.findChildren(FormerRulesDialog))
    tab.former.click()
    asked = dialog(tab, FormerRulesDialog, qtbot)
    assert asked.choice.count() == 3
    asked.choice.setCurrentIndex(1)  # the rules that the bucket has
    assert not asked.go.isEnabled()
    asked.choice.setCurrentIndex(0)
    assert "at the top of the window" in asked.go.reason
    asked.reject()


def test_a_prefix_that_matches_nothing_is_refused_or_asked_about(tab, qtbot, demo_s3):
    before = ids(demo_s3)
    tab.add.click()
    asked = dialog(tab, RuleDialog, qtbot)
    asked.prefix.setText("/market-data/")
    assert not asked.save.isEnabled()
    assert "slash" in asked._problem.text()
    asked.prefix.setText("market-data")
    assert "whose keys start with" in asked._preview.toPlainText()
    asked.prefix.setText("nothing-of-that-name/")
    asked.save.click()
    question = dialog(tab, Confirm, qtbot)
    names = question.findChild(QPlainTextEdit).toPlainText()
    assert "no key starts with 'nothing-of-that-name/'" in names
    question.reject()
    qtbot.waitUntil(lambda: not tab.busy)
    assert ids(demo_s3) == before


def test_a_locked_profile_says_how_to_unlock_it(tab, context):
    context.lock()
    assert not tab.add.isEnabled()
    assert "at the top of the window" in tab.add.toolTip()


def test_removing_a_rule_asks_first(tab, qtbot, demo_s3):
    before = ids(demo_s3)
    assert not tab.remove.isEnabled()
    tab.table.selectRow(0)
    name = tab.model.rule(0).rule_id
    tab.remove.click()
    asked = dialog(tab, Confirm, qtbot)
    assert ids(demo_s3) == before
    asked.go.click()
    qtbot.waitUntil(lambda: "verified" in tab.banner.text, timeout=20_000)
    assert ids(demo_s3) == before - {name}


def test_a_change_by_someone_else_is_reported_and_stored(tab, qtbot, demo_s3):
    seen = tab._seen
    rules = seen.merged(archive(rule_id="Theirs")).rules
    demo_s3.put_bucket_lifecycle_configuration(
        Bucket="tentimecrypto", LifecycleConfiguration={"Rules": [rule.raw() for rule in rules]}
    )
    tab._save(seen, seen.merged(archive()))
    qtbot.waitUntil(lambda: "another client" in tab.banner.text, timeout=20_000)
    assert "Theirs" in ids(demo_s3)
    assert "ArchiveOldData" not in ids(demo_s3)


@pytest.mark.parametrize("kind", ["remove", "add", "former"])
def test_a_rule_that_arrives_while_a_dialog_is_open_is_not_removed(tab, qtbot, demo_s3, kind):
    """The answer was saved over the rules that were read since, without the new one."""
    tab._save(tab._seen, tab._seen.merged(archive(rule_id="Mine")))
    qtbot.waitUntil(lambda: "saved and verified" in tab.banner.text, timeout=20_000)
    tab.table.selectRow(tab._seen.rules.index(tab._seen.find("Mine")))
    getattr(tab, kind).click()
    kinds = {"remove": Confirm, "add": RuleDialog, "former": FormerRulesDialog}
    asked = dialog(tab, kinds[kind], qtbot)
    if kind == "add":
        asked.template.setCurrentText("Remove unfinished uploads")
    rules = tab._seen.merged(archive(rule_id="Theirs")).rules
    demo_s3.put_bucket_lifecycle_configuration(
        Bucket="tentimecrypto", LifecycleConfiguration={"Rules": [rule.raw() for rule in rules]}
    )
    tab.refresh()
    qtbot.waitUntil(lambda: tab._seen.find("Theirs") is not None and not tab.busy, timeout=20_000)
    (asked.save if kind == "add" else asked.go).click()
    qtbot.waitUntil(lambda: "another client" in tab.banner.text, timeout=20_000)
    assert {"Theirs", "Mine"} <= ids(demo_s3)


def test_another_view_opens_a_rule_with_its_template(tab, qtbot):
    tab.refresh()
    tab.open_target("Remove unfinished uploads")
    qtbot.waitUntil(lambda: bool(tab.findChildren(RuleDialog)), timeout=20_000)
    (dialog,) = tab.findChildren(RuleDialog)
    assert dialog.template.currentText() == "Remove unfinished uploads"
    dialog.reject()


def test_safety_is_reported_in_text(tab):
    text = {label.text() for label in tab._facts_view.findChildren(QLabel)}
    assert {"Public access", "Default encryption", "Versioning", "on", "good"} <= text


def test_without_permission_it_says_which_one_is_needed(qtbot, context, demo_server):
    keys: AccessKeys = demo_server.platform
    workspace = Workspace.open(Connection(demo_server.connection.profile, keys))
    made = BucketTab(context)
    qtbot.addWidget(made)
    made.show()
    context.set_workspace(workspace)
    qtbot.waitUntil(lambda: not made.busy, timeout=20_000)
    text = " ".join(label.text() for label in made.findChildren(QLabel))
    assert "s3:GetLifecycleConfiguration" in text
    assert "requires s3:GetBucketVersioning" in text
    assert not made.add.isEnabled()
    assert not [d for d in made.findChildren(QDialog) if d.isVisible()]
    workspace.close()


def test_a_failed_check_is_not_described_as_one_that_was_not_made(
    qtbot, context, demo_server, monkeypatch
):
    def unreachable(*_arguments, **_options):
        raise Offline("The endpoint cannot be reached")

    monkeypatch.setattr("gui.tabs.bucket.tab.fetch", unreachable)
    made = BucketTab(context)
    qtbot.addWidget(made)
    made.show()
    with closing(Workspace.open(demo_server.connection)) as workspace:
        context.set_workspace(workspace)
        qtbot.waitUntil(lambda: not made.busy, timeout=20_000)
        shown = {label.text() for label in made.findChildren(QLabel) if label.isVisible()}
        assert {"The bucket could not be checked", "The endpoint cannot be reached"} <= shown
        assert "Not checked yet" not in shown
        context.set_workspace(None)
