"""Files are replaced atomically and privately; settings and the activity log are read back."""

import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime

import pytest
from helpers.state import stored_text

from core.local.activity import ChangeLog
from core.local.atomic import write_atomically
from core.local.partial_files import free_path
from core.local.settings import Settings
from core.local.state.database import state_database
from core.model.change import Change, ChangeKind
from core.paths import config_dir
from core.redaction import Secret

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def change(subject="cryptotrading/database", action="secretsmanager:UpdateSecret"):
    return Change(ChangeKind.SECRETS, action, subject, "credentials", WHEN, request_id="R1")


def test_a_write_replaces_the_file_privately_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "new" / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o077 == 0
    assert [each.name for each in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["file", "hashes[1].txt"])
def test_a_leftover_of_a_killed_write_is_swept(tmp_path, name):
    path = tmp_path / name
    old, young = (tmp_path / f".{name}.{each}.strongroom-tmp" for each in "ab")
    old.write_bytes(b"")
    young.write_bytes(b"")
    os.utime(old, (0, 0))
    write_atomically(path, b"x")
    assert sorted(each.name for each in tmp_path.iterdir()) == [young.name, name]


def test_the_name_of_a_link_to_a_missing_file_is_not_free(tmp_path):
    (tmp_path / "a.json").symlink_to(tmp_path / "nowhere")
    (tmp_path / "a (2).json").write_text("")
    assert free_path(tmp_path / "a.json") == tmp_path / "a (3).json"


@pytest.mark.parametrize("last", [0, 1, 2, 3, 4, 9, 64, 65, 10_000])
def test_the_next_number_is_found_without_trying_all_of_them(tmp_path, monkeypatch, last):
    names = {"a.json", *(f"a ({number}).json" for number in range(2, last + 1))} if last else set()
    asked = []

    def lexists(path):
        asked.append(path)
        return path.name in names

    monkeypatch.setattr(os.path, "lexists", lexists)
    found = free_path(tmp_path / "a.json").name
    assert found == ("a.json" if not last else f"a ({last + 1}).json")
    assert len(asked) < 40


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_kill_at_any_step_leaves_the_old_or_the_new_content(tmp_path, step):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    script = textwrap.dedent(
        f"""
        import os, pathlib, signal
        die = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
        if {step!r} == "fsync":
            os.fsync = die
        else:
            os.replace = die
        from core.local.atomic import write_atomically
        write_atomically(pathlib.Path({str(path)!r}), b"new" * 100000)
        """
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"


def test_the_log_keeps_changes_in_order_and_leaves_out_what_cannot_be_read(tmp_path):
    log = ChangeLog(tmp_path)
    log.append(change(), profile="demo")
    log.append(change("odd"))
    log.append(change("second"), profile="staging")
    for column, odd in (("kind", "kangaroo"), ("prefixes", "{"), ("moment", "yesterday")):
        state_database(tmp_path).execute(
            f"UPDATE changes SET {column} = ? WHERE number = 2", (odd,)
        )
        read = ChangeLog(tmp_path).read()
        assert [entry.profile for entry in read] == ["demo", "staging"]
    assert read[0].change == change()
    assert [entry.change.subject for entry in log.read(limit=1)] == ["second"]


def test_nothing_secret_enters_the_log(tmp_path):
    Secret("canary-of-the-change-log")
    log = ChangeLog(tmp_path)
    log.append(change("https://x/?X-Amz-Signature=abcdef0123 canary-of-the-change-log"))
    text = stored_text(tmp_path)
    assert "https://x/" in text
    assert "abcdef0123" not in text
    assert "canary" not in text


def test_the_log_retains_the_newest_changes(tmp_path, monkeypatch):
    monkeypatch.setattr("core.local.activity._MOST_CHANGES", 2)
    log = ChangeLog(tmp_path)
    for number in range(3):
        log.append(change(str(number)))
    assert [entry.change.subject for entry in log.read()] == ["1", "2"]


def test_settings_come_back_and_a_value_that_cannot_be_read_is_left_out(tmp_path):
    settings = Settings(tmp_path)
    settings.set("window", [1, 2])
    settings.set("odd", "\ud800 ü")
    settings.set("gone", 1)
    settings.set("gone", None)
    settings.flush()
    again = Settings(tmp_path)
    assert again.get("window") == [1, 2]
    assert again.get("odd") == "\ud800 ü"
    assert again.get("gone", "default") == "default"
    for rubbish in ("{broken", "", "[" * 100_000):
        database = state_database(tmp_path)
        database.execute("UPDATE settings SET value = ? WHERE key = 'window'", (rubbish,))
        assert Settings(tmp_path).get("window") is None
        assert Settings(tmp_path).get("odd") == "\ud800 ü"


def test_settings_that_did_not_change_are_not_written(tmp_path):
    settings = Settings(tmp_path)
    settings.flush()
    assert list(tmp_path.iterdir()) == []
    settings.set("a", 1)
    settings.flush()
    before = state_database(tmp_path).rows("PRAGMA data_version")
    settings.set("a", 1)
    settings.flush()
    assert state_database(tmp_path).rows("PRAGMA data_version") == before


def test_a_broken_settings_file_of_an_earlier_version_is_set_aside():
    path = config_dir() / "settings.json"
    path.write_text("{broken")
    assert Settings().get("window") is None
    assert list(config_dir().glob("settings.json.broken-*"))
