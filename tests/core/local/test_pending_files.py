"""Leftover files of a killed process are distinguished from those that a running process uses."""

import os
import signal
import subprocess
import sys

import pytest

from core.errors import AccessDenied, LocalIOError, Offline
from core.local import partial_records
from core.local.partial_files import create_partial, remove_partials
from core.local.pending_uploads import note, of_dead_processes, running_ids
from core.local.state.database import state_database
from core.units import utc_now

BEGIN_AND_WAIT = """
import sys
from pathlib import Path
from core.local.partial_files import create_partial
from core.local.pending_uploads import note
pending = note("http://127.0.0.1:1", "bucket", "k\\u00e9y")
pending.created("id-1")
note("", "bucket", "never answered")
create_partial(Path(sys.argv[1]) / "file.bin")
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def process(tmp_path):
    """A process that has begun an upload and a download, and waits."""
    with subprocess.Popen(
        [sys.executable, "-c", BEGIN_AND_WAIT, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        assert running.stdout.readline() == "ready\n"
        yield running
        running.kill()


def test_what_a_running_process_uses_is_left_alone(process, tmp_path):
    assert of_dead_processes() == []
    assert running_ids() == {"id-1", ""}
    assert remove_partials([tmp_path]) == ()
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_killed_process_left_is_found_and_removed(process, tmp_path):
    process.send_signal(signal.SIGKILL)
    process.wait()
    found = {record.key: record for record in of_dead_processes()}
    assert (found["kéy"].upload_id, found["kéy"].bucket) == ("id-1", "bucket")
    assert found["kéy"].endpoint == "http://127.0.0.1:1"
    assert found["never answered"].upload_id == ""
    assert running_ids() == frozenset()
    (removed,) = remove_partials()  # the folder was recorded
    assert removed.parent == tmp_path
    assert list(tmp_path.iterdir()) == []
    for record in found.values():
        record.forget()
    assert of_dead_processes() == []


def test_a_record_ends_with_its_upload():
    done, refused, lost = (note("", "b", key) for key in ("done", "refused", "lost"))
    done.created("1")
    done.forget()
    refused.failed(AccessDenied("no"))
    lost.failed(Offline("the answer was lost"))
    assert [record.key for record in of_dead_processes()] == ["lost"]


def test_an_unreadable_record_is_removed_and_no_error(caplog):
    pending = note("", "b", "k")
    pending.created("id")
    assert of_dead_processes() == []
    pending.abandon()
    assert of_dead_processes()[0].upload_id == "id"
    for rubbish in ("", "null", "[]", "{}", '{"began": "2026-13-01"}', '{"began": 3}'):
        left = note("", "b", "k")
        left.abandon()
        state_database().execute("UPDATE uploads SET record = ?", (rubbish,))
        assert of_dead_processes() == []
        assert state_database().rows("SELECT * FROM uploads") == []
        assert "cannot be read and was removed" in caplog.text


def test_an_upload_goes_on_when_it_cannot_be_recorded(monkeypatch, caplog):
    def refuse(*_arguments, **_more):
        raise LocalIOError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("core.local.state.database.Database.transaction", refuse)
        lost = note("", "b", "k")
    lost.created("id")
    lost.forget()
    stored = note("", "b", "k")
    with monkeypatch.context() as patch:
        patch.setattr("core.local.state.database.Database.execute", refuse)
        stored.created("id")
        stored.forget()
    assert caplog.text.count("could not be recorded") == 3
    stored.abandon()
    assert [record.upload_id for record in of_dead_processes()] == [""]


def test_the_files_of_another_home_remain_until_their_time_is_over(tmp_path, monkeypatch):
    home, folder = tmp_path / "other", tmp_path / "downloads"
    folder.mkdir()
    with monkeypatch.context() as patch:
        patch.setenv("STRONGROOM_HOME", str(home))
        path, handle = create_partial(folder / "large.bin")
        os.close(handle)  # the process has ended, and its home has a record of the file
    assert remove_partials([folder]) == ()
    old = (utc_now() - partial_records.RETENTION).timestamp()
    os.utime(path, (old, old))
    assert remove_partials([folder]) == (path,)


def test_the_name_of_a_partial_file_is_as_long_as_systems_allow(tmp_path):
    path, handle = create_partial(tmp_path / ("語" * 85))
    os.close(handle)
    assert path.name.startswith(".語語語")


def test_a_partial_file_is_private_and_named_after_its_target(tmp_path):
    path, handle = create_partial(tmp_path / ("n" * 250))
    try:
        assert path.stat().st_mode & 0o077 == 0
        assert path.name.startswith(".nnn")
        assert path.name.endswith(".strongroom-part")
        assert remove_partials([tmp_path]) == ()
    finally:
        os.close(handle)
    assert remove_partials([tmp_path]) == (path,)
