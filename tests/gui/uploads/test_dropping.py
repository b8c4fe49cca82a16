"""Files that are dropped on the Uploads tab."""

import os

import pytest
from helpers.browser_drags import CTRL, SHIFT
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from gui.tabs.browser.object_selection import local_files
from gui.tabs.uploads.upload_form import UploadForm, local_paths

ALL = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
COPY, LEFT = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton


@pytest.mark.parametrize("modifiers", [SHIFT, CTRL])
@pytest.mark.parametrize("on_zone", [True, False])
def test_dropped_files_are_copied_never_moved(tab, folder, modifiers, on_zone):
    """A file manager deletes the files of a drop that was accepted as a move."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in sorted(folder.iterdir())])
    target = tab.form.zone if on_zone else tab
    at = QPoint(5, 5)
    events = (
        QDragEnterEvent(at, ALL, data, LEFT, modifiers),
        QDragMoveEvent(at, ALL, data, LEFT, modifiers),
        QDropEvent(QPointF(at), ALL, data, LEFT, modifiers),
    )
    for event in events:
        QApplication.sendEvent(target, event)
        assert event.isAccepted()
        assert event.dropAction() == COPY
    assert len(tab.form.paths) == 5


def test_very_many_files_are_added_at_once_and_only_once(themed, qtbot):
    form = UploadForm()
    qtbot.addWidget(form)

    class Path(str):
        """A path that counts how often it is compared."""

        __slots__ = ()
        compared = 0
        __hash__ = str.__hash__

        def __eq__(self, other):
            Path.compared += 1
            return str.__eq__(self, other)

    paths = [Path(f"/data/{number}") for number in range(2_000)]
    form.add(paths)
    form.add([*paths, Path("/data/new"), Path("/data/new")])
    assert len(form.paths) == 2_001
    assert Path.compared < 20_000


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_the_bytes_of_a_name_that_is_not_utf_8_are_not_replaced(qapp):
    """Otherwise the plan would state that the file does not exist."""
    data = QMimeData()
    data.setData("text/uri-list", b"file:///data/%FF%20100%25.txt\r\nfile:///data/%C3%A9\r\n")
    at = QPointF(5, 5)
    event = QDropEvent(at, ALL, data, LEFT, Qt.KeyboardModifier.NoModifier)
    expected = [os.fsdecode(b"/data/\xff 100%.txt"), "/data/é"]
    assert local_paths(event) == local_files(data) == expected
