"""A state database that is corrupt or of another version is set aside and reported."""

import apsw
import pytest
from helpers.state import IDS, INSERT, ids

from core.errors import LocalIOError
from core.local.state import migrations
from core.local.state.database import Database
from core.local.state.salvage import copy_readable_rows


def middle(data, content):
    """Overwrite a page in the middle of the file."""
    start = len(data) // 2 // 4096 * 4096
    return data[:start] + content + data[start + len(content) :]


#: How a file is damaged, and the least number of its 900 rows that can still be read.
DAMAGE = {
    "not a database": (lambda data: b"\x00\xff no database" * 500, 0),
    "a torn header": (lambda data: data[:60], 0),
    "half of it": (lambda data: data[: len(data) // 2 // 4096 * 4096], 100),
    "half of it and a part of a page": (lambda data: data[: len(data) // 8192 * 4096 + 2000], 100),
    "a page of zeros": (lambda data: middle(data, bytes(4096)), 700),
    "a page of rubbish": (lambda data: middle(data, b"\x0d\xff\x10 rubbish" * 372), 700),
    "its first tables": (lambda data: data[:4096] + bytes(8192) + data[12288:], 0),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_file_is_set_aside_and_its_rows_are_saved(database, how, caplog):
    names = [f"{number:04} {'x' * 200}" for number in range(900)]
    database.execute_many(INSERT, [(name,) for name in names])
    database.close()
    damage, least = DAMAGE[how]
    damaged = damage(database.path.read_bytes())
    database.path.write_bytes(damaged)
    again = Database(database.path)
    saved = ids(again)
    assert set(saved) <= set(names)
    assert len(saved) >= least
    again.execute(INSERT, ("new",))
    assert ids(again) == [*saved, "new"]
    assert again.rows("PRAGMA integrity_check") == [("ok",)]
    assert again.rows("PRAGMA foreign_key_check") == []
    (aside,) = database.path.parent.glob("state.db.broken-*")
    assert aside.read_bytes() == damaged
    assert aside.stat().st_mode & 0o077 == 0
    assert again.rows("SELECT path FROM damaged_files") == [(str(aside),)]
    assert "was damaged and set aside" in caplog.text
    again.close()


def test_rows_that_refer_to_lost_ones_are_left_out(database):
    """Profiles are saved before the one that is current, transfers before their files."""
    database.execute("INSERT INTO profiles (name, record) VALUES ('p', '{}')")
    database.execute("INSERT INTO current_profile VALUES (1, 'p')")
    database.execute("INSERT INTO transfers (id, moment, planned, record) VALUES ('t', '', 1, '')")
    database.execute("INSERT INTO transfer_files VALUES (1, 0, 0)")
    database.close()
    new = apsw.Connection(":memory:")
    new.execute("PRAGMA foreign_keys = ON")
    migrations.migrate(new, database.path)
    assert copy_readable_rows(new, database.path) == 4
    lost = apsw.Connection(str(database.path))
    lost.execute("PRAGMA foreign_keys = OFF; DELETE FROM profiles; DELETE FROM transfers")
    lost.close()
    new.execute("DELETE FROM profiles; DELETE FROM transfers")
    assert copy_readable_rows(new, database.path) == 0
    assert new.execute("PRAGMA foreign_key_check").fetchall() == []
    new.close()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(database):
    database.execute(INSERT, ("a",))
    database.execute(f"PRAGMA user_version = {len(migrations.MIGRATIONS) + 1}")
    database.close()
    before = database.path.read_bytes()
    for use in (lambda d: d.rows(IDS), lambda d: d.execute(INSERT, ("b",))):
        with pytest.raises(LocalIOError, match="newer version of Strongroom") as raised:
            use(Database(database.path))
        assert "STRONGROOM_HOME" in raised.value.remedy
    assert database.path.read_bytes() == before


def test_a_database_of_another_program_is_refused_and_left_alone(database):
    database.path.parent.mkdir()
    other = apsw.Connection(str(database.path))
    other.execute("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")
    other.close()
    before = database.path.read_bytes()
    with pytest.raises(LocalIOError, match="another program"):
        database.rows(IDS)
    assert database.path.read_bytes() == before
