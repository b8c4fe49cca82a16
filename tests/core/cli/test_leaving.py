"""A process that ran a command ends at once, and loses nothing that it has written."""

import subprocess
import sys

import pytest

BASE = "import atexit, sys, threading\nfrom core.cli.leaving import leave\n"
PROGRAMS = {
    "output": "sys.stdout.write('written')\nleave(3)",
    "registered": "atexit.register(lambda: sys.stdout.write('written'))\nleave(3)",
    "thread": "started = threading.Event()\n"
    "def end():\n    started.wait()\n    sys.stdout.write('written')\n"
    "threading.Thread(target=end).start()\n"
    "atexit.register(lambda: None)\n"
    "try:\n    leave(3)\nfinally:\n    started.set()",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_what_was_written_arrives_with_the_exit_code(program):
    ended = subprocess.run(
        [sys.executable, "-c", BASE + program], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "written", "")


def test_a_closed_pipe_is_no_error():
    program = (
        f"{BASE}sys.stdout = open(1, 'w')\nsys.stdout.write('x' * 100)\nsys.stdin.read()\nleave(0)"
    )
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        process.stdout.close()
        process.stdin.close()
        assert (process.wait(30), process.stderr.read()) == (0, b"")
