"""Standard streams that the caller has closed."""

from __future__ import annotations

import subprocess
import sys

import pytest

CHILD = "import os; [os.fstat(number) for number in range(3)]"
COMMAND = f"""
import subprocess, sys
from core.cli.standard_streams import open_closed_streams
open_closed_streams()
sys.exit(subprocess.call([sys.executable, "-c", {CHILD!r}]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="redirections of a POSIX shell")
def test_a_child_process_has_standard_streams_although_those_of_the_command_are_closed() -> None:
    """Otherwise the first file or socket of the child would get their numbers."""
    shell = 'exec "$0" -c "$1" <&- >&- 2>&-'
    command = ["/bin/sh", "-c", shell, sys.executable, COMMAND]
    assert subprocess.run(command, timeout=60, check=False).returncode == 0
