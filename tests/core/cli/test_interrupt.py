"""Ctrl-C ends every command within two seconds, even if the server never answers."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from helpers.forked_runs import run_script
from helpers.waiting import in_time

from core.cli.interrupt import interruptible
from core.errors import Cancelled, ErrorKind
from core.work import CancelToken

#: The fields of each error in JSON.
FIELDS = {"kind", "summary", "cause", "effect", "remedy", "subject", "action", "details"}
#: Windows does not have it.
HANG_UP = getattr(signal, "SIGHUP", signal.SIGTERM)
#: Every command that talks to a server, as far as its first request.
COMMANDS = [
    ["ls"],
    ["ls", "-r", "--json"],
    ["stats"],
    ["get", "a", "never"],
    ["get", "-r", "a/", "never"],
    ["put", "file", "a"],
    ["put", "folder", "a/"],
    ["backup", "db.sqlite", "t"],
    ["backups"],
    ["restore", "db.sqlite", "t"],
    ["restore", "db.sqlite", "t", "--yes"],
    ["secrets", "list"],
    ["secrets", "get", "a"],
    ["secrets", "put", "a", "b=c"],
    ["secrets", "versions", "a"],
    ["secrets", "rollback", "a", "--yes"],
    ["rotate", "a"],
    ["rotate", "a", "--yes"],
    ["doctor"],
    ["check"],
    ["setup"],
]


@pytest.fixture
def silent():
    """A server that accepts connections, reads what comes, and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        asked, connections, stop = threading.Event(), [], threading.Event()
        server.settimeout(0.1)

        def serve():
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, _address = server.accept()
                    connections.append(connection)
                    connection.settimeout(5)
                    if connection.recv(1000):
                        asked.set()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        stop.set()
        thread.join()
        for connection in connections:
            connection.close()


@pytest.fixture
def start(silent, tmp_path):
    """Start a command in a folder with something to send, and wait for its first request."""
    url, asked = silent
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    (tmp_path / "folder").mkdir()
    for number in range(3):
        (tmp_path / "folder" / f"{number}").write_bytes(b"x" * 1000)
    database = sqlite3.connect(tmp_path / "db.sqlite")
    database.executescript("CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);")
    database.close()
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "silent-secret-0123456789",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }

    @contextlib.contextmanager
    def call(arguments):
        with subprocess.Popen(
            [sys.executable, "-m", "core", *arguments],
            env=environment, cwd=tmp_path, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as command:  # fmt: skip
            try:
                assert asked.wait(30), command.stderr.read() if command.poll() else ""
                yield command
            finally:
                command.kill()

    return call


@pytest.mark.parametrize("text", COMMANDS, ids=" ".join)
def test_ctrl_c_ends_every_command_within_two_seconds(start, text, tmp_path):
    before = sorted(path.name for path in tmp_path.iterdir())
    with start(text) as command:
        begun = time.monotonic()
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=30)
        took = time.monotonic() - begun
    assert command.returncode == ErrorKind.CANCELLED.value, err
    assert took < 2
    assert out == ""
    if "--json" in text:
        assert json.loads(err)["error"]["kind"] == "cancelled"
    else:
        assert err.endswith("Interrupted.\n")
        assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.fixture
def terminal():
    """Restore the handling of SIGHUP, which `nohup` may have disabled for the tests."""
    before = signal.signal(HANG_UP, signal.SIG_DFL)
    yield
    signal.signal(HANG_UP, before)


@pytest.mark.usefixtures("terminal")
@pytest.mark.skipif(os.name != "posix", reason="Windows ends a process without a signal")
@pytest.mark.parametrize("number", [signal.SIGTERM, HANG_UP])
def test_other_signals_are_handled_like_ctrl_c_also_twice_as_timeout_sends_them(
    start, tmp_path, number
):
    before = sorted(path.name for path in tmp_path.iterdir())
    with start(["get", "a", "never", "--json"]) as command:
        for _ in range(2):
            command.send_signal(number)
        out, err = command.communicate(timeout=30)
    assert command.returncode == ErrorKind.CANCELLED.value, err
    assert out == ""
    error = json.loads(err)["error"]
    assert error["kind"] == "cancelled"
    assert error.keys() == FIELDS
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("number", [signal.SIGTERM, HANG_UP])
def test_a_second_sigterm_or_sighup_does_not_interrupt_the_clean_up(number):
    token, cleaned = CancelToken(), []

    def terminated():
        try:
            signal.raise_signal(number)
            token.wait(5)
        finally:
            signal.raise_signal(number)
            cleaned.append(True)

    with pytest.raises(Cancelled), interruptible(token, lambda: None):
        terminated()
    assert cleaned == [True]
    assert token.paused
    assert signal.getsignal(number) is signal.SIG_DFL


@pytest.mark.usefixtures("terminal")
@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGHUP")
def test_a_command_of_nohup_continues_when_its_terminal_is_closed():
    signal.signal(HANG_UP, signal.SIG_IGN)
    token = CancelToken()
    with interruptible(token, lambda: None):
        signal.raise_signal(HANG_UP)
    assert not token.cancelled
    assert signal.getsignal(HANG_UP) is signal.SIG_IGN


STUCK = """
import sqlite3, sys
from core.cli import main
from core.cli.common import Opener
def workspace(self, work):
    sys.stdout.write("stuck\\n"); sys.stdout.flush()
    sqlite3.connect(":memory:").execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    ).fetchall()
Opener.workspace = workspace
sys.exit(main(sys.argv[1:]))
"""


def test_native_code_that_answers_no_signal_is_ended_as_well():
    def took():
        with subprocess.Popen(
            [sys.executable, "-c", STUCK, "ls"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as command:  # fmt: skip
            assert command.stdout.readline() == "stuck\n"
            begun = time.monotonic()
            command.send_signal(signal.SIGINT)
            _out, err = command.communicate(timeout=30)
            ended = time.monotonic()
        assert command.returncode == ErrorKind.CANCELLED.value
        assert err == "Interrupted.\n"
        return ended - begun

    in_time(took, 2)


def test_a_block_that_ends_by_itself_leaves_no_trace():
    handler, token = signal.getsignal(signal.SIGINT), CancelToken()

    def interrupted():
        signal.raise_signal(signal.SIGINT)
        token.wait(5)

    with pytest.raises(Cancelled), interruptible(token, lambda: None):
        interrupted()
    assert signal.getsignal(signal.SIGINT) is handler
    assert signal.set_wakeup_fd(-1) == -1
    assert "interrupt" not in {thread.name for thread in threading.enumerate()}


#: Interrupts the import of a module where Python ignores exceptions, and then runs a program.
_INTERRUPTED_IMPORT = """
import signal, sys
import gui.__main__, core.cli
interrupted, program = sys.argv[1:3]
del sys.argv[1:3]
sys.modules.pop(interrupted, None)
package, _, name = interrupted.rpartition(".")
if package in sys.modules:
    vars(sys.modules[package]).pop(name, None)
class Discarded:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)
class Importing:
    def find_spec(self, name, _path=None, _target=None):
        if name == interrupted:
            Discarded()
sys.meta_path.insert(0, Importing())
sys.exit(vars(sys.modules[program])["main"]())
"""


def interrupted_import(forks, module, program, *arguments):
    return run_script(
        forks, _INTERRUPTED_IMPORT, module, program, *arguments, environment=os.environ
    )


def test_ctrl_c_while_the_program_is_loaded_is_no_traceback(forks):
    ended = interrupted_import(forks, "core.cli.program", "core.cli", "ls")
    assert (ended.returncode, ended.stderr) == (130, "Cancelled. Nothing was changed.\n")
    ended = interrupted_import(forks, "core.cli.program", "core.cli", "ls", "--json")
    assert ended.returncode == ErrorKind.CANCELLED.value == 130
    error = json.loads(ended.stderr)["error"]
    assert error["kind"] == "cancelled"
    assert error.keys() == FIELDS


def test_ctrl_c_before_that_ends_the_process_without_output(forks):
    ended = interrupted_import(forks, "gui.app.options", "gui.__main__", "ls")
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")
