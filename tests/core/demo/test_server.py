"""The demo server starts, reports why it cannot, and ends with its parent."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic

import pytest
from helpers.processes import has_ended
from helpers.waiting import until

from core.demo import DemoServer, folders
from core.errors import Cancelled, LocalIOError
from core.work import Work

ROOT = Path(__file__).parents[3]
OWNER = """
import json, sys, threading
from core.demo import DemoServer
server = DemoServer.start()
print(json.dumps([server.process_id, str(server.database_path.parent)]), flush=True)
threading.Event().wait()
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_ready_within_seconds_and_nothing_is_left_after_stop(temporary):
    began = monotonic()
    server = DemoServer.start()
    assert monotonic() - began < 10  # under 3 on a machine that does nothing else
    assert server.running
    assert server.database_path.exists()
    assert server.database_path.parent.stat().st_mode & 0o077 == 0
    server.stop()
    server.stop()
    assert not server.running
    assert list(temporary.iterdir()) == []


def test_keys_are_nowhere_but_in_memory(demo_server):
    process = Path(f"/proc/{demo_server.process_id}")
    secret = demo_server.admin.secret_access_key.reveal().encode()
    places = [process / "cmdline", process / "environ"]
    places += [path for path in demo_server.database_path.parent.iterdir() if path.suffix == ".log"]
    assert not any(secret in path.read_bytes() for path in places)
    assert secret.decode() not in repr(demo_server) + repr(vars(demo_server))


def test_a_taken_port_is_reported_in_text(temporary):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalIOError) as caught:
            DemoServer.start(port=port)
    assert f"Port {port}" in caught.value.cause
    assert "another port" in caught.value.remedy
    assert list(temporary.iterdir()) == []


def test_a_child_that_cannot_start_is_reported_in_text(temporary, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(LocalIOError, match="could not be started"):
        DemoServer.start()
    assert list(temporary.iterdir()) == []


def test_a_start_can_be_cancelled(temporary):
    work = Work()
    work.token.cancel()
    with pytest.raises(Cancelled):
        DemoServer.start(work=work)
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM])
def test_the_child_goes_with_its_parent(blow):
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, cwd=ROOT)
    with owner:
        child, folder = json.loads(owner.stdout.readline())
        assert not has_ended(child)
        os.kill(owner.pid, blow)
        until(lambda: has_ended(child))
        until(lambda: not Path(folder).exists())


def test_forgotten_folders_are_swept_and_used_ones_stored(temporary):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name, owner in (("strongroom-demo-old", ended.pid), ("strongroom-demo-new", os.getpid())):
        (temporary / name).mkdir()
        (temporary / name / "owner.pid").write_text(str(owner))
    folders.sweep()
    assert [path.name for path in temporary.iterdir()] == ["strongroom-demo-new"]


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_in_the_foreground_it_prints_what_a_shell_needs_and_ends_on_ctrl_c():
    code = "from core.demo.foreground import serve; serve(0, lambda t: print(t, flush=True))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT) as shell:
        lines = [shell.stdout.readline().decode().strip() for _ in range(4)]
        shell.send_signal(signal.SIGINT)
        assert shell.wait(10) == 0
    names = [part.partition("=")[0] for part in lines[0].removeprefix("export ").split()]
    assert names == [
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
    ]
    database = Path(lines[2].removeprefix("# sample database: "))
    assert database.name == "rex_trading.db"
    assert not database.exists()
