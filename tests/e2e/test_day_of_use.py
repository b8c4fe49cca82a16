"""A day of use: files are dropped, paused, limited, cut off, resumed, and finished after a restart.

`make day` does it with 50,000 files, and saves a picture of each step to DAY_PICTURES.
"""

import os
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from helpers.cut_proxy import CutProxy
from helpers.user_input import User
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from core.limits import LimitValues
from core.transfer.queue_values import BatchState
from core.transfer.values import State
from gui.app.options import Options
from gui.app.run import Program

BUCKET = "tentimecrypto"
FILES = int(os.environ.get("DAY_FILES", "240"))
PATIENCE = 3_600_000 if FILES > 1_000 else 60_000
FILE_BYTES = 2_000
#: Seconds without a network: with many files as long as the retries of a transfer.
OUTAGE = 60 if FILES > 1_000 else 0
#: A bandwidth with which the transfer takes some seconds, so that each step is in its middle.
SLOW = LimitValues(FILES * FILE_BYTES / 6)


class Network(CutProxy):
    """A network to the server that can fail: connections are refused while it is down."""

    def __init__(self, port):
        super().__init__(port)
        self.refused = 0
        self._down = False

    def fail(self):
        self._down = True
        self.cut()

    def recover(self):
        self._down = False

    def _start(self, function, *arguments):
        if self._down and arguments:
            self.refused += 1
            self.cut()
            return
        super()._start(function, *arguments)


def save_picture(window, name):
    """Save a picture of the window if pictures are wanted."""
    folder = os.environ.get("DAY_PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        window.grab().save(str(Path(folder, f"{name}.png")))


def drop(widget, path):
    """Drop a folder on a widget, like a file manager."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    how = (
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    # Qt only delivers a drop to a widget that has accepted the drag.
    QApplication.sendEvent(widget, QDragEnterEvent(QPoint(20, 20), *how))
    QApplication.sendEvent(widget, QDropEvent(QPointF(20, 20), *how))


def stored_keys(client, prefix):
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return {each["Key"]: each["Size"] for page in pages for each in page.get("Contents", ())}


def make_files(folder):
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:05}.bin").write_bytes(number.to_bytes(4, "big") * (FILE_BYTES // 4))


def test_a_day_of_use(program, demo_server, demo_s3, demo_prefix, database, qapp, qtbot, tmp_path):
    make_files(tmp_path / "reports")
    profile = demo_server.connection.profile
    with Network(urlsplit(profile.endpoint_url).port) as network:
        address = f"http://127.0.0.1:{network.port}"
        connection = replace(demo_server.connection, profile=replace(profile, endpoint_url=address))
        user = opened(program, connection, database, qtbot)
        interrupted(program, user, network, demo_prefix, tmp_path / "reports")
        program.window._close_confirmed = True
        program.window.close()
        program.stop()
        again = Program(qapp, Options())
        again.complete_window()
        try:
            finished(again, opened(again, connection, database, qtbot))
        finally:
            again.window._close_confirmed = True
            again.window.close()
            again.stop()
            again.window.deleteLater()
    wanted = {f"{demo_prefix}reports/{n:05}.bin": FILE_BYTES for n in range(FILES)}
    assert stored_keys(demo_s3, demo_prefix) == wanted
    for number in (0, FILES // 2, FILES - 1):
        body = demo_s3.get_object(Bucket=BUCKET, Key=f"{demo_prefix}reports/{number:05}.bin")
        assert body["Body"].read() == number.to_bytes(4, "big") * (FILE_BYTES // 4)


def opened(program, connection, database, qtbot):
    program.context.demo_database = database
    program.window.resize(1280, 800)
    program.window.show()
    program.connector.open_connection(connection)
    user = User(qtbot, program.window)
    user.until(lambda: program.context.identity is not None)
    return user


def interrupted(program, user, network, prefix, folder):
    """Drop files, pause, resume and limit their upload, and survive a network that fails."""
    tab = program.window.show_tab("uploads", prefix)
    tab.set_limits(SLOW)
    drop(tab, folder)
    user.until(lambda: tab.form.plan.plan is not None, PATIENCE)
    save_picture(program.window, "1-planned")
    user.press(tab.form.plan.start.text(), tab)
    batch = tab.pane.model.batches[0]
    user.until(lambda: batch.counts[State.DONE] > FILES // 8, PATIENCE)
    user.press("Pause", tab)
    user.until(lambda: batch.phase is BatchState.PAUSED, PATIENCE)
    done = batch.counts[State.DONE]
    assert 0 < done < FILES
    save_picture(program.window, "2-paused")
    user.press("Resume", tab)
    user.until(lambda: batch.counts[State.DONE] > done, PATIENCE)
    save_picture(program.window, "3-limited")
    network.fail()
    user.until(lambda: network.refused > 2, PATIENCE)
    done = batch.counts[State.DONE]
    assert done < FILES
    save_picture(program.window, "4-cut")
    end = time.monotonic() + OUTAGE
    user.until(lambda: time.monotonic() >= end, PATIENCE)
    done = batch.counts[State.DONE]
    save_picture(program.window, "4-cut-later")
    network.recover()
    user.until(lambda: batch.counts[State.DONE] > done, PATIENCE)
    assert batch.counts[State.FAILED] == 0, "a failure of the network is no failure of a file"
    assert batch.active
    save_picture(program.window, "5-resumed")


def finished(program, user):
    """Let the rest run after a restart of the program."""
    tab = program.window.show_tab("uploads")
    assert tab.transfers.limits.values == SLOW, "the limits are stored"
    tab.set_limits(LimitValues())
    user.until(lambda: bool(tab.transfers.batches))
    batch = tab.transfers.batches[0]
    assert 0 < batch.counts[State.WAITING] < FILES
    user.until(lambda: not batch.active, PATIENCE)
    save_picture(program.window, "6-finished")
    assert batch.counts[State.FAILED] == batch.counts[State.CANCELLED] == 0
    # A file that was stored when the window was closed is found to be the same.
    assert batch.counts[State.DONE] + batch.counts[State.SKIPPED] == FILES
