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
            QTimer.singleShot(0, told)
        return False
def told():
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


def first_paint(code: str, *arguments: str, compiled: str) -> float:
    """Return the seconds from the start of a fresh process to its first paint.

    `compiled` is where byte code is kept between runs, as it is once a program is installed.
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


def medians(runs: int = RUNS) -> tuple[float, float]:
    """Return the median seconds of `strongroom --demo` and of a bare window, run alternately."""
    bare, ours = [], []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as compiled:
        for _ in range(runs + 1):
            bare.append(first_paint(_BARE, compiled=compiled))
            ours.append(first_paint(_OURS, "--demo", compiled=compiled))
    return statistics.median(ours[1:]), statistics.median(bare[1:])
