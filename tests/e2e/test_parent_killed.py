"""The engine and the demo server end within two seconds when the window is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.processes import children, has_ended
from helpers.waiting import until

ROOT = Path(__file__).parents[2]
WINDOW = """
from PySide6.QtWidgets import QApplication
from gui.app.options import Options
from gui.app.run import Program

app = QApplication(["strongroom"])
program = Program(app, Options(demo=True))
program.connector.connected.connect(
    lambda: program.window.show_tab("statistics").scan.click()
)
program.start()
app.exec()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_engine_and_demo_server_go_with_the_window():
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    window = subprocess.Popen([sys.executable, "-c", WINDOW], cwd=ROOT, env=environment)
    try:
        until(lambda: len(helpers_of(window.pid)) == 2, seconds=30)
        helpers = helpers_of(window.pid)
        window.send_signal(signal.SIGKILL)
        window.wait(10)
        until(lambda: all(has_ended(process) for process in helpers))
    finally:
        window.kill()
        window.wait()


def helpers_of(window):
    """The demo server's and the engine's processes."""
    commands = children(window)
    return [p for p, line in commands.items() if "core.demo.host" in line or "core.engine" in line]
