"""Every process that handles secrets writes no core dump and cannot be traced."""

import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="/proc and prctl are Linux's"
)

#: Printed by a process about itself: the limit of core files, and whether it is dumpable.
REPORT = """
import ctypes
from pathlib import Path
limit = next(l for l in Path("/proc/self/limits").read_text().splitlines() if "core file" in l)
print(limit.split()[4:6], ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)
"""
HARDENED = "['0', '0'] 0\n"

COMMAND_LINE = (
    """
import sys
from core.cli import main
from core.cli.common import Opener
def workspace(self, work):
"""
    + "".join(f"    {line}\n" for line in REPORT.strip().splitlines())
    + """
    raise KeyboardInterrupt
Opener.workspace = workspace
main(["ls"])
"""
)
FRONT_END = f"import gui.__main__ as program\nprogram.main(['ls', '--bogus'])\n{REPORT}"
# The window is hardened after its first picture and before it connects: no secret comes earlier.
WINDOW = f"""
import gui.__main__ as program
from gui.app.run import Program
from PySide6.QtWidgets import QApplication
def begin(self):
{"".join(f"    {line}" + chr(10) for line in REPORT.strip().splitlines())}
    QApplication.exit(0)
Program._begin = begin
program.main([])
"""


@pytest.mark.parametrize("script", [COMMAND_LINE, FRONT_END, WINDOW])
def test_command_line_and_window_are_hardened(script):
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"}, preexec_fn=_allow_core_files,
    )  # fmt: skip
    assert done.stdout == HARDENED, done.stderr


def test_without_it_the_report_says_so():
    done = subprocess.run(
        [sys.executable, "-c", REPORT], capture_output=True, text=True, timeout=60, check=True,
        preexec_fn=_allow_core_files,
    )  # fmt: skip
    assert done.stdout.endswith(" 1\n")


def _allow_core_files():
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


DEMO_SERVER = f"""
import sys
import core.demo.host as host
def report(*arguments):
    sys.stdout = sys.stderr
{"".join(f"    {line}" + chr(10) for line in REPORT.strip().splitlines())}
    raise SystemExit
host.call_when_parent_ends = report
host.main(["1", "/none", "0"])
"""
ENGINE = f"""
import sys
import core.engine.host as host
class Host(host.Host):
    def serve(self):
{"".join(f"        {line}" + chr(10) for line in REPORT.strip().splitlines())}
host.Host = Host
host.main(["core.engine.operations", "0"])
"""


@pytest.mark.parametrize("script", [DEMO_SERVER, ENGINE])
def test_the_engine_and_the_demo_server_are_hardened(script):
    """Their standard output is a protocol: what they print goes to standard error."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False,
        preexec_fn=_allow_core_files, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.stderr == HARDENED


def test_a_crash_leaves_no_core_file(tmp_path):
    script = "import os, signal\nfrom core.local.hardening import harden\nharden()\nos.abort()\n"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, check=False, timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        preexec_fn=_allow_core_files,
    )  # fmt: skip
    assert done.returncode == -signal.SIGABRT
    assert list(tmp_path.iterdir()) == []
