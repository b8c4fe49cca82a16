"""From the start of the process to the first picture on the screen: ours beside a bare window."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 7
#: Seconds until `strongroom --demo` must show its window.
MOST_SECONDS = 3.0

_WATCH = """
import os, sys, time
started = float(sys.argv[1])
from PySide6.QtCore import QEvent, QObject, QTimer
class Watch(QObject):
    def eventFilter(self, _watched, event):
        if event.type() == QEvent.Type.Paint:
            QTimer.singleShot(0, report)
        return False
def report():
    print(time.time() - started, flush=True)
    os._exit(0)
watch = Watch()
"""
_BARE = """
from PySide6.QtWidgets import QApplication, QLabel
app = QApplication([])
window = QLabel("bare")
window.resize(1280, 800)
window.installEventFilter(watch)
window.show()
app.exec()
"""
_OURS = """
from gui.app import run
start = run.Program.start
def watched(program):
    program.shell.installEventFilter(watch)
    start(program)
run.Program.start = watched
from gui.__main__ import main
main(sys.argv[2:])
"""
_FURNISHED = """
from gui.main_window.window import MainWindow
complete = MainWindow.complete
def watched(window, *parts):
    complete(window, *parts)
    window.installEventFilter(watch)
    return window
MainWindow.complete = watched
from gui.__main__ import main
main(sys.argv[2:])
"""


def first_paint(code: str, *arguments: str, compiled: str) -> float:
    """Return the seconds from the start of a fresh process to its first paint.

    `compiled` is where byte code is stored between runs, as it is once a program is installed.
    """
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "STRONGROOM_HOME": home,
            "HOME": home,
            "PYTHONPYCACHEPREFIX": compiled,
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-c", _WATCH + code, str(time.time()), *arguments]
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, timeout=60, check=True
        )
    return float(done.stdout.splitlines()[-1])


def medians(runs: int = RUNS) -> tuple[float, float, float]:
    """Return the median seconds, run in turn.

    They are those to the first paint of `strongroom --demo` (the window in its place and theme,
    with its tabs), to that of a bare window, and to ours with header and status bar furnished.
    """
    kinds = ((_OURS, "--demo"), (_BARE,), (_FURNISHED, "--demo"))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as compiled:
        rounds = [
            [first_paint(*kind, compiled=compiled) for kind in kinds] for _ in range(runs + 1)
        ]
    ours, bare, furnished = (statistics.median(times) for times in zip(*rounds[1:], strict=True))
    return ours, bare, furnished
