"""A restore is undone, or its former table dropped, from the command line."""

import pytest
from helpers.backups import MemoryStore, backed_up, restored, sql, trading_database

from core.cli import main
from core.errors import ErrorKind
from core.local.profiles import ProfileStore
from core.model.connection import KeySource, Profile, ProfileColour


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

    assert "Nothing was changed" in run("--undo")
    assert sql(path, "SELECT DISTINCT status FROM orders WHERE status = 'newer'") == []
    assert f"{stored} is put back" in run("--undo", "--yes")
    assert sql(path, "SELECT DISTINCT status FROM orders") == [("newer",)]
    run("--undo", "--yes", code=ErrorKind.NOT_FOUND.value)
    stored = restored(store, backup, path).kept
    assert f"{stored} would be dropped" in run("--drop-kept")
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
