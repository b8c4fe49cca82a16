"""A watched folder is started and stopped in the window, which lists its files."""

import json

import pytest
from PySide6.QtCore import Qt

from core.filing.hot_files import HotFile, HotState
from gui.tabs.uploads.watch_dialog import WatchDialog
from gui.tabs.uploads.watch_pane import KEY, NAME, STATE, HotFilesModel, counts_text
from tests.gui.uploads.test_uploads_tab import WAIT, read

CANDLES = {
    "symbol": "BTC-USD", "timeframe": "1h", "timestamp": "2024-01-15T10:30:00Z",
    "data": [{"timestamp": "2024-01-15T10:30:00Z", "open": 1, "high": 2, "low": 1, "close": 2,
              "volume": 3}],
}  # fmt: skip


@pytest.fixture
def hot(tmp_path):
    made = tmp_path / "hot"
    made.mkdir()
    return made


def start(tab, folder):
    tab.watching.settle_seconds, tab.watching.scan_seconds = 0, 0.05
    dialog = tab.watching.open()
    dialog.folder.setText(str(folder))
    dialog.go.click()


def rows(tab):
    model = tab.watch_pane.model
    return {
        model.index(row, NAME).data(): (
            model.index(row, STATE).data(),
            model.index(row, KEY).data(),
        )
        for row in range(model.rowCount())
    }


def test_files_are_filed_listed_and_announced_until_it_is_stopped(tab, bucket, hot, context, qtbot):
    changes = []
    context.changed.connect(changes.append)
    start(tab, hot)
    assert tab.watch_pane.isVisible()
    assert not tab.form.watch_folder.isEnabled()
    assert tab.form.watch_folder.reason == "A folder is already watched."
    (hot / "candles.json").write_text(json.dumps(CANDLES))
    (hot / "unknown.txt").write_text("no kind\0")
    qtbot.waitUntil(lambda: len(rows(tab)) == 2, timeout=WAIT)
    state, key = rows(tab)["candles.json"]
    assert state == "filed"
    assert json.loads(read(bucket, key)) == CANDLES
    state, reason = rows(tab)["unknown.txt"]
    assert state == "refused"
    assert "kind" in reason
    assert (hot / "filed" / "candles.json").exists()
    qtbot.waitUntil(lambda: bool(changes), timeout=WAIT)
    assert key.rpartition("/")[0] + "/" in changes[0].prefixes
    tab.watch_pane.stop.click()
    qtbot.waitUntil(lambda: not tab.watching.running, timeout=WAIT)
    assert tab.form.watch_folder.isEnabled()
    assert len(rows(tab)) == 2, "the list stays until it is closed"
    tab.watch_pane.close_list.click()
    assert not tab.watch_pane.isVisible()
    again = WatchDialog(context, tab)
    assert again.folder.text() == str(hot)


def test_an_error_ends_it_with_a_message(tab, hot, qtbot):
    start(tab, hot / "missing")
    qtbot.waitUntil(lambda: not tab.watching.running, timeout=WAIT)
    assert "does not exist" in tab.banner.text
    assert tab.form.watch_folder.isEnabled()


def test_another_bucket_ends_it(tab, hot, context, qtbot):
    start(tab, hot)
    tab.watching._place = ("other", "bucket")
    tab.watching.follow(context.workspace)
    qtbot.waitUntil(lambda: not tab.watching.running, timeout=WAIT)


def test_a_read_only_profile_cannot_watch(tab, context):
    context.lock()
    assert "read-only" in tab.form.watch_folder.reason
    dialog = WatchDialog(context, tab)
    dialog.folder.setText("/data")
    assert "read-only" in dialog.go.reason


def test_a_path_must_be_absolute(tab):
    dialog = WatchDialog(tab.context, tab)
    assert dialog.go.reason == "Enter a folder first."
    dialog.folder.setText("exports")
    dialog.go.click()
    assert "not absolute" in dialog.problem.text()


def test_a_postponed_file_is_listed_once(qtmodeltester):
    model = HotFilesModel()
    qtmodeltester.check(model)
    model.add(HotFile("a", HotState.POSTPONED, reason="No answer."))
    model.add(HotFile("b", HotState.FILED, "k/b", 1))
    model.add(HotFile("a", HotState.FILED, "k/a", 1))
    assert [each.name for each in model.rows] == ["a", "b"]
    assert counts_text("hot", model.counts) == "hot · 2 filed"
    assert model.index(0, NAME).data(Qt.ItemDataRole.ToolTipRole) == "a"


def test_old_files_are_only_counted():
    model = HotFilesModel()
    for number in range(1100):
        model.add(HotFile(f"n{number}", HotState.REFUSED, reason="No kind."))
    assert len(model.rows) == 1000
    assert counts_text("hot", model.counts) == "hot · 0 filed · 1,100 refused"
