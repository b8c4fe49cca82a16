"""A restore is undone, or its former table dropped, from the command line."""

import json

import pytest
from helpers.backups import MemoryStore, backed_up, restored, sql, trading_database

from core.backup.undo import describe_former_table
from core.cli import main
from core.errors import ErrorKind
from core.local.profiles import ProfileStore
from core.model.connection import KeySource, Profile, ProfileColour
from core.units import utc_now


def test_undo_and_drop_need_a_yes(tmp_path, capsys):
    path = trading_database(tmp_path / "t.db", rows=5)
    store = MemoryStore()
    backup = backed_up(store, path, "orders")
    sql(path, "UPDATE orders SET status = 'newer'")
    stored = restored(store, backup, path).kept

    def run(*arguments, code=0):
        assert main(["restore", str(path), "orders", *arguments]) == code
        output = capsys.readouterr()
        return output.out + output.err

    sql(path, "INSERT INTO orders (user_id, status) SELECT user_id, status FROM orders LIMIT 1")
    shown = run("--undo")
    assert f"{stored} (5 rows) would be put back as orders." in shown
    assert "The present table (6 rows) would be dropped" in shown
    assert "Nothing was changed" in shown
    assert sql(path, "SELECT DISTINCT status FROM orders WHERE status = 'newer'") == []
    assert f"{stored} is put back" in run("--undo", "--yes")
    assert sql(path, "SELECT DISTINCT status FROM orders") == [("newer",)]
    run("--undo", "--yes", code=ErrorKind.NOT_FOUND.value)
    stored = restored(store, backup, path).kept
    assert f"{stored} would be dropped, with 5 rows." in run("--drop-kept")
    assert f"{stored} is dropped" in run("--drop-kept", "--yes")
    assert sql(path, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%before%'") == [(0,)]


@pytest.mark.parametrize("option", ["--undo", "--drop-kept"])
def test_a_locked_profile_changes_no_local_database_either(tmp_path, capsys, option):
    ProfileStore().save(Profile("prod", KeySource.ENVIRONMENT, colour=ProfileColour.RED))
    path, store = trading_database(tmp_path / "t.db", rows=5), MemoryStore()
    restored(store, backed_up(store, path, "orders"), path)
    before = sql(path, "SELECT name, sql FROM sqlite_schema ORDER BY name")
    arguments = ["--profile", "prod", "restore", str(path), "orders", option, "--yes"]
    assert main(arguments) == ErrorKind.READ_ONLY.value
    assert "--unlock" in capsys.readouterr().err
    assert sql(path, "SELECT name, sql FROM sqlite_schema ORDER BY name") == before
    assert main([*arguments, "--unlock"]) == 0
    assert sql(path, "SELECT name, sql FROM sqlite_schema ORDER BY name") != before


def test_the_last_restore_of_many_in_one_second_is_undone(tmp_path, monkeypatch):
    path, store = trading_database(tmp_path / "t.db", rows=1), MemoryStore()
    backup, now = backed_up(store, path, "orders"), utc_now()
    monkeypatch.setattr("core.backup.restore.utc_now", lambda: now)
    names = [restored(store, backup, path).kept for _ in range(11)]
    assert describe_former_table(str(path), "orders").name == names[-1]


def test_an_undo_names_rows_that_refer_to_rows_of_the_restored_table(tmp_path, capsys):
    path, store = trading_database(tmp_path / "t.db", rows=5), MemoryStore()
    restored(store, backed_up(store, path, "users"), path)
    sql(path, "INSERT INTO users (id, name) VALUES (99, 'since the restore')")
    sql(path, "UPDATE orders SET user_id = 99 WHERE id = 1")
    assert main(["restore", str(path), "users", "--undo", "--yes", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["problems"] == ["1 row of orders refers to missing rows."]
