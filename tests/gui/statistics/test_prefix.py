"""The Statistics tab counts the objects below one prefix, which needs rights on that prefix only."""

from contextlib import closing
from dataclasses import replace

from helpers.demo import plain_client
from helpers.limited_user import user_of_demo
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from core.workspace import Workspace


def _texts(tab):
    return " ".join(label.text() for label in tab.findChildren(QLabel) if label.isVisible())


def test_a_scan_of_a_prefix_shows_that_folder_and_leads_back_to_the_bucket(tab, qtbot):
    def scanned(prefix):
        tab.scope.field.setText(prefix)
        qtbot.keyClick(tab.scope.field, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: tab._task is None and not tab.busy, timeout=30_000)
        return tab._found

    folder = "market-data/ohlcv/BTC-USD"
    found = scanned(f"s3://tentimecrypto/{folder}/")
    assert found.prefix == f"{folder}/"
    assert tab.path.folder == folder
    assert not tab.path.up.isEnabled()
    assert f"{folder}/1h/2024/01" in {cell.folder for cell in tab.treemap.cells}
    tab.groups.select("tops")
    assert {tab.shares.name(row) for row in range(tab.shares.rowCount())} >= {"1h", "1d"}
    assert "below the prefix" in _texts(tab)
    tab._show_folder(f"{folder}/1h")
    tab.path.up.click()
    assert tab.path.folder == folder
    tab.path.chosen.emit("market-data")
    qtbot.waitUntil(lambda: "Only this folder was scanned" in tab.banner.text)
    assert tab.path.folder == folder
    entire = scanned("")
    assert entire.objects > found.objects
    assert tab.path.folder == ""
    assert scanned(f"{folder}/").objects == found.objects
    tab.scan.setFocus()
    tab.path.chosen.emit("market-data")
    qtbot.waitUntil(lambda: tab._found == entire)
    assert tab.path.folder == "market-data"
    assert tab.scope.field.text() == ""
    assert scanned("nothing/like/it").objects == 0
    assert "No object has this prefix" in _texts(tab)


def test_a_user_with_rights_on_one_prefix_scans_that(tab, qtbot, context, demo_server):
    allowed = "market-data/ohlcv/BTC-USD/"
    with closing(plain_client(demo_server, "iam", demo_server.admin)) as iam:
        keys = user_of_demo(iam, "tentimecrypto", allowed)
    profile = replace(demo_server.connection.profile, name="desk")
    with closing(
        Workspace.open(replace(demo_server.connection, profile=profile, keys=keys))
    ) as desk:
        context.set_workspace(desk)
        tab.scan.click()
        qtbot.waitUntil(lambda: "type the prefix of one of them" in _texts(tab), timeout=30_000)
        assert "s3:ListBucket on s3://tentimecrypto is not allowed" in _texts(tab)
        tab.scope.field.setText("user-data/")
        tab.scan.click()
        qtbot.waitUntil(
            lambda: "s3://tentimecrypto/user-data/ is not" in _texts(tab), timeout=30_000
        )
        tab.scope.field.setText(allowed)
        tab.scan.click()
        qtbot.waitUntil(lambda: tab._found is not None and not tab.busy, timeout=30_000)
        assert "s3:ListBucket" not in _texts(tab)
        assert tab.path.folder == allowed.rstrip("/")


def test_the_prefix_completes_folders(tab, qtbot):
    completion = tab.scope.field.completer()
    qtbot.keyClicks(tab.scope.field, "market-data/oh")
    qtbot.waitUntil(lambda: completion.model().rowCount() > 0)
    names = [
        completion.model().index(row, 0).data() for row in range(completion.model().rowCount())
    ]
    assert "market-data/ohlcv/" in names
