"""A lock has one holder at a time and is released when its process ends."""

import ast
import errno
import os
import signal
import subprocess
import sys
import threading

import pytest
from conventions import source

from core.errors import LocalIOError
from core.local import locking

HOLDER = """
import sys
from pathlib import Path
from core.local.locking import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of a file."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "file")],
        cwd=source.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_process_waits_until_the_holder_is_gone_however_it_ends(holder, tmp_path):
    path, entered = tmp_path / "file", threading.Event()

    def enter():
        with locking.locked(path):
            entered.set()

    thread = threading.Thread(target=enter)
    thread.start()
    assert not entered.wait(0.3)
    holder.send_signal(signal.SIGKILL)
    assert entered.wait(10)
    thread.join()
    assert path.with_name("file.lock").stat().st_mode & 0o077 == 0


def test_a_lock_that_is_held_is_refused_and_a_shared_one_is_shared(tmp_path):
    first, second = (os.open(tmp_path / "f", os.O_RDWR | os.O_CREAT, 0o600) for _ in range(2))
    assert locking.try_lock(first)
    assert not locking.try_lock(second)
    assert not locking.try_lock(second, shared=True)
    os.close(first)
    third = os.open(tmp_path / "f", os.O_RDWR)
    assert locking.try_lock(second, shared=True)
    assert locking.try_lock(third, shared=True)
    assert not locking.try_lock(third)
    os.close(second)
    os.close(third)


def test_a_file_system_without_locks_goes_without(tmp_path, monkeypatch):
    def none(*_arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    with locking.locked(tmp_path / "file"):
        assert (tmp_path / "file.lock").exists()


def test_a_place_for_the_lock_that_cannot_be_written_is_an_error_in_text(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalIOError, match="locked"), locking.locked(tmp_path / "file" / "x"):
        pytest.fail("there is no such folder")


def test_no_other_module_knows_how_a_system_locks():
    found = {
        source.place(path, node.lineno)
        for path in source.python_files("core", "gui")
        for node in ast.walk(source.tree(path))
        if isinstance(node, ast.Import)
        and {alias.name for alias in node.names} & {"fcntl", "msvcrt"}
    }
    # The second asks the system for a lease, which fails while another program writes.
    expected = {"core/local/locking.py", "core/local/open_files.py"}
    assert {place.partition(":")[0] for place in found} == expected


def test_waiting_for_a_lock_can_be_interrupted(holder, tmp_path):
    class StoppedError(Exception):
        pass

    def stop(seconds):
        assert 0 < seconds < 1
        raise StoppedError

    beside = tmp_path / "file.lock"  # the lock of the other process
    with pytest.raises(StoppedError), locking.locked_while_waiting(beside, stop):
        pytest.fail("the lock is held by another process")
    holder.send_signal(signal.SIGKILL)
    holder.wait(10)
    with locking.locked_while_waiting(beside, stop):
        entered = True
    assert entered


def test_what_cannot_be_locked_goes_on_without_a_lock(tmp_path, caplog):
    (tmp_path / "file").write_text("no folder")
    with locking.locked_while_waiting(tmp_path / "file" / "lock", pytest.fail):
        entered = True
    assert entered
    assert "cannot be locked" in caplog.text
