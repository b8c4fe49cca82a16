"""Unhandled errors are logged and reported once, without secrets."""

import logging
import sys
import threading

import pytest
from PySide6.QtCore import qWarning

from core.errors import Cancelled
from core.redaction import Secret
from gui.dialogs.crash import CrashDialog
from gui.errors import Crashes, about, report_of, start_logging

_SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCY"


@pytest.fixture
def crashes(qapp):
    crashes, output = Crashes(), []
    crashes.crashed.connect(output.append)
    crashes.shown = output
    yield crashes
    crashes.remove()


def _fail(value):
    local = value  # noqa: F841 - a local that no report may show
    raise ValueError(f"bad {value}")


def _caught(value="x"):
    try:
        _fail(value)
    except ValueError as error:
        return type(error), error, error.__traceback__
    raise AssertionError


def test_a_report_names_places_but_neither_locals_nor_secrets():
    Secret(_SECRET)
    text = report_of(*_caught(_SECRET))
    assert "ValueError" in text
    assert "in _fail" in text
    assert _SECRET not in text


def test_the_same_error_is_reported_once_and_logged_each_time(crashes, caplog):
    crashes.report(*_caught())
    crashes.report(*_caught())
    assert len(crashes.shown) == 1
    assert len([r for r in caplog.records if r.name == "strongroom"]) == 2


def test_a_cancel_that_escapes_is_silent(crashes, caplog):
    crashes.report(Cancelled, Cancelled("Cancelled"), None)
    assert crashes.shown == []
    assert caplog.records == []


def test_errors_of_threads_arrive_too(crashes, qtbot):
    crashes.install()
    thread = threading.Thread(target=_fail, args=("thread",))
    with qtbot.waitSignal(crashes.crashed):
        thread.start()
    thread.join()
    assert "bad thread" in crashes.shown[0]


def test_qt_talks_through_the_log(crashes, caplog):
    crashes.install()
    qWarning("a hint about a layout")
    crashes.remove()
    assert ("qt", logging.WARNING, "a hint about a layout") in caplog.record_tuples
    assert sys.excepthook is sys.__excepthook__


def test_the_log_file_holds_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path))
    root = logging.getLogger()
    former, level = list(root.handlers), root.level
    try:
        start_logging()
        Secret(_SECRET)
        logging.getLogger("strongroom.test").info("sent %s", _SECRET)
        logging.getLogger("botocore").debug("secret %s", _SECRET)
    finally:
        for handler in [h for h in root.handlers if h not in former]:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(level)
    text = (tmp_path / "data" / "strongroom.log").read_text()
    assert "sent ***" in text
    assert "botocore" not in text


def test_the_dialog_offers_the_report(themed, qtbot):
    dialog = CrashDialog("Traceback …")
    qtbot.addWidget(dialog)
    dialog._on_copy()
    assert "Traceback …" in themed.clipboard().text()
    assert about() in themed.clipboard().text()
