"""“File as…” reads values from the content and does not overwrite what was entered."""

import json
import os

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from core.workspace import Workspace
from gui.dialogs.file_as import FileAsDialog

WAIT = 30_000
CANDLE = dict.fromkeys(("open", "high", "low", "close", "volume"), 1)
HOURS = [{"timestamp": f"2024-02-03T0{hour}:00:00Z", **CANDLE} for hour in range(3)]
KEY = "market-data/ohlcv/ETH-USD/4h/2024/02/03/2024-02-03T04:05:06Z.json"


@pytest.fixture
def owner(context, demo_server, qtbot):
    workspace = Workspace.open(demo_server.connection)
    context.set_workspace(workspace)
    owner = QWidget()
    qtbot.addWidget(owner)
    owner.show()
    yield owner
    for dialog in owner.findChildren(FileAsDialog):
        dialog.close()
    context.set_workspace(None)
    workspace.close()


@pytest.fixture
def dialog(context, owner):
    dialog = FileAsDialog(context, owner)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, on=False)
    dialog.show()
    return dialog


def written(tmp_path, name, body, *, year=2001):
    path = tmp_path / name
    path.write_text(body if isinstance(body, str) else json.dumps(body))
    os.utime(path, (978_307_200, 978_307_200 + (year - 2001) * 31_536_000))
    return str(path)


def candle_file(**more):
    names = {"symbol": "ETH-USD", "timeframe": "4h", "timestamp": "2024-02-03T04:05:06Z"}
    return {**names, "data": HOURS[:1], **more}


def take(dialog, qtbot, path):
    dialog.take(path)
    qtbot.waitUntil(lambda: dialog._contents is not None, timeout=WAIT)


def origin(dialog, name):
    return dialog.form.fields[name].origin.text()


def test_a_document_is_recognised_checked_and_stored(dialog, demo_s3, tmp_path, qtbot):
    filed = []
    dialog.filed.connect(lambda _path, written: filed.append(written))
    body = candle_file(timeframe=f"x{tmp_path.name}")  # a key that no other test uses
    take(dialog, qtbot, written(tmp_path, "x.json", body))
    key = KEY.replace("/4h/", f"/{body['timeframe']}/")
    assert (dialog.kind_id, dialog.form.key.text()) == ("ohlcv", key)
    dialog.names["symbol"].setText("BTC-USD")
    assert "'ETH-USD'" in dialog.form.problems.text()
    dialog.names["symbol"].setText("a/b")
    assert not dialog.save.isEnabled()
    dialog.names["symbol"].setText("ETH-USD")
    dialog.save.click()
    qtbot.waitUntil(lambda: bool(filed), timeout=WAIT)
    assert filed[0].key == key
    stored = demo_s3.get_object(Bucket="tentimecrypto", Key=key)["Body"].read()
    assert json.loads(stored) == body


def test_a_chosen_kind_stays_whatever_file_is_chosen(dialog, tmp_path, qtbot):
    trades = dialog.kind.findData("trades")
    dialog.kind.setFocus()
    dialog.kind.setCurrentIndex(trades)
    dialog.kind.activated.emit(trades)  # as a choice by mouse or keyboard does
    take(dialog, qtbot, written(tmp_path, "x.json", candle_file()))
    assert dialog.kind_id == "trades"
    assert dialog.form._kind_origin.text() == "selected; the file seems to be OHLCV candles"
    assert not dialog.save.isEnabled()
    take(dialog, qtbot, written(tmp_path, "y.json", candle_file()))
    assert dialog.kind_id == "trades"


def test_values_are_read_from_the_content_and_say_where_they_come_from(dialog, tmp_path, qtbot):
    take(dialog, qtbot, written(tmp_path, "x.json", HOURS))
    assert dialog.form.moment.line.text() == "2024-02-03T02:00:00Z"
    assert dialog.form.moment.origin.text() == "from the newest of its 3 rows"
    assert dialog.names["timeframe"].text() == "1h"
    assert origin(dialog, "timeframe") == "from the distance between its candles"
    assert origin(dialog, "symbol") == "not found in the file"
    assert dialog.form._kind_origin.text() == "from the members of its rows"
    assert "Fill in symbol" in dialog.form.problems.text()


def test_only_a_file_without_any_time_is_dated_by_the_disk_and_that_is_shown(
    dialog, tmp_path, qtbot
):
    take(dialog, qtbot, written(tmp_path, "x.json", {"analysis": {"a": 1}}))
    assert dialog.form.moment.line.text() == "2001-01-01T00:00:00Z"
    assert dialog.form.moment.origin.text() == "the file's date: its content has no time"


def test_what_was_typed_stays_and_the_rest_follows_the_next_file(dialog, tmp_path, qtbot):
    take(dialog, qtbot, written(tmp_path, "x.json", candle_file()))
    dialog.names["symbol"].selectAll()
    qtbot.keyClicks(dialog.names["symbol"], "DOGE-USD")
    other = candle_file(symbol="BTC-USD", timeframe="1d", timestamp="2024-03-01T00:00:00Z")
    take(dialog, qtbot, written(tmp_path, "y.json", other))
    assert dialog.names["symbol"].text() == "DOGE-USD"
    assert origin(dialog, "symbol") == "entered; the file has BTC-USD"
    assert dialog.names["timeframe"].text() == "1d"
    assert dialog.form.moment.line.text() == "2024-03-01T00:00:00Z"
    bare = written(tmp_path, "z.json", {"data": []})
    take(dialog, qtbot, bare)
    assert dialog.names["timeframe"].text() == "", "nothing of the former file is left"


def test_a_path_is_typed(dialog, tmp_path, qtbot):
    path = written(tmp_path, "x.json", candle_file())
    qtbot.keyClicks(dialog.form.path, path)
    qtbot.waitUntil(dialog.save.isEnabled, timeout=WAIT)
    assert dialog.form.key.text() == KEY
    assert "1 candle" in dialog.form.content.text()


def test_a_cleared_path_leaves_nothing_to_file(dialog, tmp_path, qtbot):
    take(dialog, qtbot, written(tmp_path, "x.json", candle_file()))
    (button,) = dialog.form.path.findChildren(QAbstractButton)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dialog.save.isEnabled(), timeout=WAIT)
    assert (dialog.form.content.text(), dialog.form.key.text()) == ("", "-")


@pytest.mark.parametrize("form", ["file://{}", "'{}'", ' "{}" '])
def test_a_path_is_pasted_as_other_programs_copy_it(dialog, tmp_path, qtbot, form):
    path = written(tmp_path, "two parts.json", candle_file())
    QApplication.clipboard().setText(form.format(path.replace(" ", "%20") if ":" in form else path))
    dialog.form.path.setFocus()
    dialog.form.path.paste()
    qtbot.keyClick(dialog.form.path, Qt.Key.Key_Return)
    qtbot.waitUntil(dialog.save.isEnabled, timeout=WAIT)
    QApplication.clipboard().clear()
    assert dialog.form.key.text() == KEY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x.json", "Use an absolute path"),
        ("file://elsewhere/x.json", "another machine"),
        ("{folder}", "is not a regular file"),
        ("{folder}/none.json", "cannot be read"),
    ],
)
def test_a_path_that_is_no_file_gets_a_clear_answer(dialog, tmp_path, qtbot, text, expected):
    qtbot.keyClicks(dialog.form.path, text.format(folder=tmp_path))
    qtbot.waitUntil(lambda: expected in dialog.form.content.text(), timeout=WAIT)
    assert not dialog.save.isEnabled()
    assert dialog.form.path.accessibleDescription() == dialog.form.content.text()
