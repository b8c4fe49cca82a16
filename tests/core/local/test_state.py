"""The state database is shared by threads and processes, durable, private and consistent."""

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.state import IDS, INSERT, ids

from core.errors import LocalIOError
from core.local.state import opening
from core.local.state.database import Database, close_databases, state_database

ROOT = Path(__file__).resolve().parents[3]


def modes(folder):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_the_files_can_be_read_by_their_user_only(database):
    before = os.umask(0)
    try:
        database.execute(INSERT, ("a",), durable=True)
        found = modes(database.path.parent)
    finally:
        os.umask(before)
    assert found == dict.fromkeys(
        ("state.db", "state.db-wal", "state.db-shm", "state.db.lock"), 0o600
    )
    assert database.path.parent.stat().st_mode & 0o077 == 0


def test_nothing_is_created_to_read_what_does_not_exist(database):
    assert database.rows(IDS) == []
    assert not database.path.parent.exists()


@pytest.mark.parametrize("name", ["CONFIG", "CACHE"])
def test_another_folder_that_cannot_be_used_is_not_reported_as_that_of_the_database(
    tmp_path, monkeypatch, name
):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.delenv("STRONGROOM_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(f"XDG_{name}_HOME", str(file))
    with pytest.raises(LocalIOError, match="could not be opened") as raised:
        state_database().execute(INSERT, ("a",))
    assert (
        raised.value.cause == f"A part of the path {file / 'strongroom'} is a file, not a folder."
    )


def test_an_error_takes_the_complete_transaction_back(database):
    database.execute(INSERT, ("a",))
    with pytest.raises(LocalIOError, match="could not be written"):
        database.execute_many(INSERT, [("b",), ("a",)])
    with suppress(ZeroDivisionError), database.transaction() as connection:
        connection.execute(INSERT, ("b",))
        raise ZeroDivisionError
    assert ids(database) == ["a"]


def test_threads_write_at_the_same_time(database):
    def write(thread):
        for number in range(25):
            database.execute(INSERT, (f"{thread}-{number:02}",), durable=not number % 5)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ids(database) == [f"{thread}-{number:02}" for thread in range(8) for number in range(25)]


def test_a_read_and_the_write_that_follows_are_not_separated(database):
    """Each thread adds one to a counter many times; no addition is lost."""
    database.execute("INSERT INTO rotations VALUES ('n', '', '0')")

    def count():
        for _ in range(40):
            with database.transaction() as connection:
                (record,) = connection.execute("SELECT record FROM rotations").fetchone()
                connection.execute("UPDATE rotations SET record = ?", (str(int(record) + 1),))

    threads = [threading.Thread(target=count) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.rows("SELECT record FROM rotations") == [("240",)]


WRITER = """
import sys
from pathlib import Path
from core.local.state.database import Database
database = Database(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    database.execute(
        "INSERT INTO rotations (id, started, record) VALUES (?, '', '')",
        (f"{sys.argv[2]}-{number:05}",), durable=True,
    )
    print(number, flush=True)
"""


def writer(path, name, count):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(count)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_processes_that_create_the_database_together_lose_nothing(database):
    """All begin at the same moment with a file that none has created."""
    processes = [writer(database.path, name, 15) for name in "abcd"]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert ids(database) == [f"{name}-{number:05}" for name in "abcd" for number in range(15)]


@pytest.mark.parametrize("after", [1, 4, 9])
def test_what_a_killed_process_has_written_durably_is_there(database, after):
    with writer(database.path, "a", 100_000) as process:
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        for _ in range(after):
            reported = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        reported = int(([str(reported), *process.stdout.read().split()])[-1])
    found = ids(database)
    assert len(found) - 1 in {reported, reported + 1}
    assert found == [f"a-{number:05}" for number in range(len(found))]
    assert database.rows("PRAGMA integrity_check") == [("ok",)]


KILLED_IN_TRANSACTION = """
import os, signal, sys
from pathlib import Path
from core.local.state.database import Database
database = Database(Path(sys.argv[1]))
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with database.transaction(durable=True) as connection:
    for number in range(5000):  # more pages than the cache holds would be written early
        connection.execute(
            "INSERT INTO rotations (id, started, record) VALUES (?, '', ?)",
            (f"a-{number}", "x" * 2000),
        )
    if sys.argv[2] == "before commit":
        die()
    if sys.argv[2] == "in commit":
        connection.set_commit_hook(die)
    if sys.argv[2] == "after commit":
        connection.set_wal_hook(die)
"""


@pytest.mark.parametrize("point", ["before commit", "in commit", "after commit"])
def test_a_transaction_is_there_completely_or_not_at_all(database, point):
    database.execute(INSERT, ("before",))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_IN_TRANSACTION, str(database.path), point],
        cwd=ROOT, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    assert len(ids(database)) == (5001 if point == "after commit" else 1)
    database.execute(INSERT, ("next",))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
def test_a_forked_process_uses_connections_of_its_own(database):
    database.execute(INSERT, ("parent",))
    child = os.fork()
    if not child:
        try:
            database.execute(INSERT, ("child",))
            os._exit(0 if len(database.rows(IDS)) == 2 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    database.execute(INSERT, ("parent again",))
    assert ids(database) == ["child", "parent", "parent again"]


def test_a_file_that_was_replaced_is_opened_anew(database):
    database.execute(INSERT, ("a",))
    for path in database.path.parent.glob("state.db*"):
        path.unlink()
    assert database.rows(IDS) == []
    database.execute(INSERT, ("b",))
    assert ids(database) == ["b"]


def test_an_open_database_leaves_no_wal_file_when_the_program_ends(tmp_path):
    database = state_database(tmp_path)
    database.execute(INSERT, ("a",))
    assert (tmp_path / "state.db-wal").exists()
    close_databases()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.db", "state.db.lock"]
    assert ids(database) == ["a"]


# Places and files that cannot be used as usual.


def test_space_that_is_not_needed_any_more_is_returned_to_the_disk(database):
    database.execute(INSERT, ("a",))
    database.execute("INSERT INTO settings VALUES ('large', ?)", ("x" * 20_000_000,))
    database.close()
    assert database.path.stat().st_size > 20_000_000
    database.execute("DELETE FROM settings")
    database.return_free_pages()
    database.close()
    assert database.path.stat().st_size < 1_000_000
    assert ids(database) == ["a"]


def test_a_full_disk_is_an_error_in_text_and_changes_nothing(database):
    database.execute(INSERT, ("a",))
    with database.transaction() as connection:
        pages = connection.pragma("page_count")
        connection.pragma("max_page_count", pages)
    with pytest.raises(LocalIOError, match=r"state\.db could not be written") as raised:
        database.execute("INSERT INTO rotations VALUES ('b', '', ?)", ("x" * 100_000,))
    assert raised.value.cause.startswith(f"The disk of {database.path.parent} is full: ")
    assert "free" in raised.value.cause
    assert ids(database) == ["a"]
    database.execute(INSERT, ("c",))


def test_a_folder_that_cannot_be_written_is_read_all_the_same(database, monkeypatch):
    database.execute(INSERT, ("a",))
    database.close()
    monkeypatch.setattr(opening.os, "access", lambda *_: False)
    again = Database(database.path)
    assert ids(again) == ["a"]
    with pytest.raises(LocalIOError) as raised:
        again.execute(INSERT, ("b",))
    assert "read-only" in raised.value.cause.lower()
    again.close()


def test_a_place_that_is_no_folder_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalIOError):
        Database(tmp_path / "file" / "state.db").execute(INSERT, ("a",))


def test_a_place_that_may_not_be_read_is_an_error(database, monkeypatch):
    def refuse(*_arguments, **_more):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(LocalIOError, match=r"state\.db could not be read"):
        database.rows(IDS)


def fill(database):
    for number in range(1000):
        database.execute("INSERT INTO settings VALUES (?, ?)", (str(number), "x" * 9000))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid(), reason="only root may mount")
def test_a_disk_that_is_full_and_one_that_is_read_only(tmp_path):
    """On real file systems, in memory."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    database = Database(disk / "state.db")
    try:
        database.execute(INSERT, ("a",), durable=True)
        with pytest.raises(LocalIOError) as raised:
            fill(database)
        assert raised.value.cause.startswith(f"The disk of {disk} is full: ")
        assert ids(database) == ["a"]
        database.close()
        assert database.rows("PRAGMA integrity_check") == [("ok",)]
        database.close()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert ids(database) == ["a"]
        with pytest.raises(LocalIOError, match="could not be written"):
            database.execute(INSERT, ("b",))
    finally:
        database.close()
        subprocess.run(["umount", str(disk)], check=True)


def test_another_writer_that_does_not_end_is_an_error(database, monkeypatch):
    database.execute(INSERT, ("a",))
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.05)
    with database.transaction():
        failures = []

        def write():
            try:
                database.execute(INSERT, ("b",))
            except LocalIOError as error:
                failures.append(error)

        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
        assert "Another window or command" in failures[0].cause
        assert ids(database) == ["a"]


MOUNTS = """\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
40 22 0:40 / {home} rw,relatime shared:1 - {kind} server:/export rw
41 40 0:41 / {home}/local\\040disk rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("kind", "mode"), [("nfs4", "delete"), ("cifs", "delete"), ("fuse.sshfs", "delete"), ("xfs", "wal")]
)  # fmt: skip
def test_a_network_drive_is_used_without_wal(tmp_path, monkeypatch, kind, mode):
    monkeypatch.setattr(opening, "_MOUNTS", tmp_path / "mounts")
    (tmp_path / "mounts").write_text(MOUNTS.format(home=tmp_path / "home", kind=kind))
    database = Database(tmp_path / "home" / "data" / "state.db")
    database.execute(INSERT, ("a",), durable=True)
    assert database.rows("PRAGMA journal_mode") == [(mode,)]
    assert ids(database) == ["a"]
    database.close()
    assert opening.on_network_drive(tmp_path / "home" / "local disk") is False


def test_a_database_that_moved_to_a_network_drive_is_converted(database, tmp_path, monkeypatch):
    database.execute(INSERT, ("a",))
    database.close()
    monkeypatch.setattr(opening, "on_network_drive", lambda _folder: True)
    again = Database(database.path)
    assert again.rows("PRAGMA journal_mode") == [("delete",)]
    assert ids(again) == ["a"]
    again.close()


def test_a_file_system_without_locks_goes_without(database, monkeypatch):
    def none(*_arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    monkeypatch.setattr("fcntl.lockf", none)
    database.execute(INSERT, ("a",), durable=True)
    assert ids(database) == ["a"]
    assert database.rows("PRAGMA journal_mode") == [("delete",)]
