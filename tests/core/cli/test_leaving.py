"""A process that ran a command ends at once, and loses nothing that it has written."""

import subprocess
import sys

import pytest

from core.cli.leaving import with_room

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


@pytest.mark.skipif(sys.platform != "linux", reason="counts the pages that Linux adds to a process")
def test_no_call_of_a_command_requests_memory_of_the_system_each_time():
    resource, pages = pytest.importorskip("resource"), []

    def pages_added():
        return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt

    def deeper(calls):
        before = pages_added()
        for _ in range(200):
            int_of(0)
        pages.append(pages_added() - before)
        return deeper(calls - 1) if calls else 3

    def int_of(number):
        return [number][0]

    assert with_room(lambda: deeper(250)) == 3
    assert max(pages) < 100
    del pages[:]
    with pytest.raises(KeyError):
        with_room(lambda: {}["missing"])
