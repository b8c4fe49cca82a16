"""SIGTERM ends the window at once, without a question and without leftovers."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.processes import children, has_ended
from helpers.waiting import until

ROOT = Path(__file__).parents[2]
WINDOW = """
import sys
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication
from core.model.connection import Connection, KeySource, Profile
from gui.app.options import Options
from gui.app.run import Program
from core.engine.client import EngineClient

def busy(program):
    runner = program.context.runner
    connection = Connection(Profile("t", KeySource.SESSION))
    runner._engine = EngineClient(operations_module="tests.core.engine.engine_operations")
    runner.run_bulk(
        "Endless", sys.argv[1], {}, connection=connection, owner=program.window,
        batch=lambda text: print(text, flush=True),
    )

app = QApplication(["strongroom"])
program = Program(app, Options())
program._welcome = lambda: busy(program)
program.start()
code = app.exec()
program.stop()
print("stopped", flush=True)
raise SystemExit(code)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("number", "work"), [(signal.SIGTERM, "spin"), (signal.SIGINT, "ignores_cancel")]
)
def test_a_signal_ends_the_window_while_work_runs(number, work):
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", WINDOW, work]
    window = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    try:
        assert window.stdout.readline() == b"started\n"
        engines = _engines(window.pid)
        began = time.monotonic()
        window.send_signal(number)
        out, _err = window.communicate(timeout=10)
        assert time.monotonic() - began < 3
        assert window.returncode == 0
        assert out == b"stopped\n"  # not the last resort
        until(lambda: all(has_ended(process) for process in engines))
    finally:
        window.kill()
        window.wait()


def _engines(window):
    return [p for p, line in children(window).items() if "core.engine" in line]
