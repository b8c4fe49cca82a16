"""Drag a row with real mouse events through Qt's own drag loop, and print what was dropped.

Run as a program on the platform `minimal`: the offscreen platform of the other tests has no drags.
"""

import json
import sys
from types import SimpleNamespace

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QStandardItemModel
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTableView, QWidget

from gui.tabs.browser.dragging import DragSource
from gui.tabs.browser.dropping import DropTargets, Spot
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.object_selection import selection_of

SIZE, OUTSIDE, TARGET = (600, 300), QPoint(900, 100), QPoint(400, 100)
NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
BUCKET = SimpleNamespace(name="bkt")


def main():
    app = QApplication([])
    window = QWidget()
    window.resize(*SIZE)
    table, target = QTableView(window), QWidget(window)
    model = QStandardItemModel(5, 1)
    table.setModel(model)
    table.setGeometry(0, 0, 300, 300)
    target.setGeometry(300, 0, 300, 300)
    left, dropped = [], []
    source = DragSource(
        window,
        lambda: selection_of(BUCKET, [Entry("a/x", None)], "a/"),
        left.append,
        lambda _s: None,
    )
    source.add(table)
    targets = DropTargets(window, lambda: source.current, lambda _what, _prefix: "")
    targets.add(target, lambda _at: Spot("to/", target.rect()))
    window.show()
    QTest.qWaitForWindowExposed(window)
    handle = window.windowHandle()
    start = table.viewport().mapTo(window, table.visualRect(model.index(1, 0)).center())

    def taken(what, prefix, move):
        dropped.append([[entry.key for entry in what.entries], prefix, move])
        if len(dropped) == 2:
            app.quit()
        else:
            QTimer.singleShot(0, window, lambda: drag(CTRL))

    def drag(keys):
        def finish():
            for place in (OUTSIDE, TARGET - QPoint(20, 0), TARGET):
                QTest.mouseMove(handle, place)
            QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, keys, TARGET)

        QTest.mousePress(handle, Qt.MouseButton.LeftButton, NONE, start)
        QTimer.singleShot(50, window, finish)
        QTest.mouseMove(handle, start + QPoint(40, 0))

    targets.objects_dropped.connect(taken)
    QTimer.singleShot(0, window, lambda: drag(NONE))
    QTimer.singleShot(20_000, app.quit)
    app.exec()
    sys.stdout.write(json.dumps({"dropped": dropped, "left": len(left)}))


if __name__ == "__main__":
    main()
