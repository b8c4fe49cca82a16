"""Keys, folders, addresses and missing objects can be opened by their name."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from helpers.browser import active, in_other_thread, names, put, settled
from PySide6.QtCore import Qt

from core.objects.bucket import Bucket
from core.work import Work
from gui.main_window.connecting import Connector
from gui.tabs.browser import BrowserTab
from gui.widgets.buttons import Button


def typed(tab, qtbot, text):
    """Type a place into the field that Ctrl+L opens, and wait until it is shown."""
    active(tab, qtbot)
    tab.perform("go_to")
    field = tab.folder.path.field
    assert field.isVisible()
    field.setText(text)
    qtbot.keyClick(field, Qt.Key.Key_Return)
    settled(qtbot, tab)


def test_folders_below_the_typed_parent_are_offered(tab, qtbot):
    active(tab, qtbot)
    tab.perform("go_to")
    field = tab.folder.path.field
    completer = field.completer()
    qtbot.keyClicks(field, "market-data/oh")
    qtbot.waitUntil(lambda: completer.currentCompletion() == "market-data/ohlcv/", timeout=20_000)
    settled(qtbot, tab)
    popup = completer.popup()
    assert popup.accessibleName()
    assert popup.font().family() == field.font().family()
    popup.hide()
    field.setText("market-data/ohlcv/")
    completer.activated.emit("market-data/ohlcv/")
    qtbot.waitUntil(lambda: completer.model().stringList() != [], timeout=20_000)
    assert completer.model().stringList() == ["market-data/ohlcv/BTC-USD/"]
    completer.popup().hide()
    field.clear()
    qtbot.keyClicks(field, "s3://bucket/x")
    assert "s3:" not in "".join(completer.model().stringList())
    assert field.isVisible()


FOLDERS = [
    "logs/",
    "logs",
    "s3://{bucket}/logs",
    "s3://{bucket}/logs/",
    "arn:aws:s3:::{bucket}/logs/*",
    "https://us-east-1.console.aws.amazon.com/s3/buckets/{bucket}?region=us-east-1&prefix=logs/",
]


@pytest.mark.parametrize("text", FOLDERS)
def test_go_to_a_folder_with_or_without_its_slash(tab, qtbot, bucket, text):
    typed(tab, qtbot, text.format(bucket=bucket.name))
    assert (tab.prefix, names(tab), tab.banner.text) == ("logs/", ["app.log"], "")
    assert tab.folder.table.hasFocus()
    assert tab.folder.table.currentIndex().row() == 0
    assert tab.tree_panel.view.currentIndex().data() == "logs"


KEYS = [
    "logs/app.log",
    "s3://{bucket}/logs/app.log",
    "arn:aws:s3:::{bucket}/logs/app.log",
    "https://s3.console.aws.amazon.com/s3/object/{bucket}?region=us-east-1&prefix=logs/app.log",
    "https://{bucket}.s3.eu-central-1.amazonaws.com/logs/app.log",
]


@pytest.mark.parametrize("text", KEYS)
def test_go_to_a_key_selects_it_and_gives_it_the_focus(tab, qtbot, bucket, text):
    typed(tab, qtbot, text.format(bucket=bucket.name))
    assert tab.prefix == "logs/"
    assert [entry.key for entry in tab.folder.selected] == ["logs/app.log"]
    assert tab.folder.table.hasFocus()


def test_go_to_an_object_beside_a_folder_of_its_name(tab, qtbot, bucket):
    put(bucket, "logs", b"an object")
    typed(tab, qtbot, "logs")
    assert [entry.key for entry in tab.folder.selected] == ["logs"]
    typed(tab, qtbot, "logs/")
    assert tab.prefix == "logs/"


def test_a_folder_that_does_not_exist_is_called_so(tab, qtbot):
    typed(tab, qtbot, "market-data/nosuch/deeper/")
    assert tab.folder.state.empty._title.text() == "No such folder"
    assert "Drop" not in tab.folder.state.empty._text.text()
    qtbot.mouseClick(tab.folder.state.empty.button, Qt.MouseButton.LeftButton)
    settled(qtbot, tab)
    assert tab.prefix == "market-data/"


@pytest.mark.parametrize("text", ["nosuch", "logs/nosuch", "logs/a/b/nosuch"])
def test_a_key_that_does_not_exist_leads_to_the_nearest_folder(tab, qtbot, text):
    typed(tab, qtbot, text)
    assert tab.banner.text == f"There is no object or folder {text}."
    assert tab.prefix == ("logs/" if "/" in text else "")


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("s3://elsewhere/logs/", "another bucket: elsewhere. This profile cannot open it"),
        ("arn:aws:iam::1:user/x", "no place"),
    ],
)
def test_a_place_outside_this_bucket_is_refused_with_a_reason(tab, qtbot, text, output):
    typed(tab, qtbot, text)
    assert output in tab.banner.text
    assert tab.prefix == ""


def test_a_place_in_another_bucket_is_opened_there_after_an_offer(context, clients, qtbot):
    """One window, two buckets: the offer opens the other one, for every tab, at that place."""
    for name in ("first-bucket", "second-bucket"):
        in_other_thread(clients.s3().create_bucket, Bucket=name)
    put(Bucket(clients, "second-bucket"), "logs/other.log", b"1")
    profile = replace(clients.connection.profile, bucket="first-bucket")
    connector = Connector(context)
    tab = BrowserTab(context)
    qtbot.addWidget(tab)
    context.navigate.connect(lambda _tab_id, target: tab.open_target(target))
    connector.open_connection(replace(clients.connection, profile=profile))
    tab.show()
    settled(qtbot, tab)
    typed(tab, qtbot, "s3://second-bucket/logs/other.log")
    assert (context.workspace.bucket.name, tab.prefix) == ("first-bucket", "")
    assert "another bucket: second-bucket" in tab.banner.text
    button = next(b for b in tab.banner.findChildren(Button) if b.text() == "Open that bucket")
    button.click()
    qtbot.waitUntil(
        lambda: [entry.key for entry in tab.folder.selected] == ["logs/other.log"], timeout=30_000
    )
    assert context.workspace.bucket.name == "second-bucket"
    settled(qtbot, tab)
    assert tab.banner.text == ""
    context.set_workspace(None)


def entries(tab):
    tab.bookmarks.menu.aboutToShow.emit()
    return [each.text() for each in tab.bookmarks.menu.actions() if not each.isSeparator()]


def test_bookmarks_are_stored_for_each_bucket_and_lead_back(tab, qtbot, context, workspace):
    tab.go_to("logs/")
    settled(qtbot, tab)
    active(tab, qtbot)
    tab.folder.table.setFocus()
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    tab.go_to("")
    settled(qtbot, tab)
    assert entries(tab) == ["Bookmark this folder", "Bookmarks", "logs/"]
    assert [each.name.text for each in tab.bookmarks.names().find("log", 5, Work())] == ["logs/"]
    tab.bookmarks.menu.actions()[-1].trigger()
    settled(qtbot, tab)
    assert tab.prefix == "logs/"
    assert entries(tab)[0] == "Remove this folder from the bookmarks"
    other = SimpleNamespace(
        **{**vars(workspace), "profile": replace(workspace.profile, bucket="other")}
    )
    context.set_workspace(other)
    assert tab.bookmarks.all() == []
    context.set_workspace(workspace)
    settled(qtbot, tab)
    tab.bookmarks.toggle()
    assert tab.bookmarks.all() == []


def test_a_folder_that_stays_open_is_among_the_recent_ones(tab, qtbot):
    tab.bookmarks._visited.setInterval(1)
    tab.go_to("logs/")
    qtbot.waitUntil(lambda: tab.bookmarks.recent() == ["logs/"], timeout=20_000)
    tab.go_to("odd/")
    qtbot.waitUntil(lambda: tab.bookmarks.recent() == ["odd/", "logs/"], timeout=20_000)
    assert entries(tab) == ["Bookmark this folder", "Recent folders", "odd/", "logs/"]


def test_the_field_returns_the_focus_to_the_list(tab, qtbot):
    active(tab, qtbot)
    table = tab.folder.table
    tab.folder.focus_list()
    tab.perform("go_to")
    qtbot.keyClick(tab.folder.path.field, Qt.Key.Key_Escape)
    assert table.hasFocus()
    typed(tab, qtbot, "s3://another-bucket/x")  # it reports why it stays in this folder
    assert "another-bucket" in tab.banner.text
    assert table.hasFocus()


def test_a_folder_opened_from_the_list_shows_where_the_focus_is(tab, qtbot):
    active(tab, qtbot)
    table = tab.folder.table
    tab.folder.focus_list()
    qtbot.keyClick(table, Qt.Key.Key_Return)
    settled(qtbot, tab)
    assert tab.prefix == "logs/"
    assert table.hasFocus()
    assert table.currentIndex().row() == 0
    assert not tab.selected
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert [each.key for each in tab.selected] == ["logs/app.log"], "the first row is not skipped"
