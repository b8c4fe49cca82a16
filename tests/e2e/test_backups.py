"""A table that is backed up, dropped and restored in the window has the same rows."""

import sqlite3
from contextlib import closing

BUCKET = "tentimecrypto"


def run(database, statement):
    with closing(sqlite3.connect(database)) as connection, connection:
        return connection.execute(statement).fetchall()


def rows_of(database):
    return run(database, "SELECT *, typeof(avatar), hex(avatar) FROM users ORDER BY id")


def test_back_up_drop_and_restore(program, user, database, demo_s3):
    before, columns = rows_of(database), run(database, "PRAGMA table_xinfo(users)")
    prefix = "backups/database/users/"
    keys = keys_under(demo_s3, prefix)
    tab = program.window.show_tab("backups")
    user.choose(tab.tables.table, "users")
    user.press("Back up users", tab)
    user.until(lambda: tab.banner.text.startswith("Backed up users: 4 rows"))
    assert keys_under(demo_s3, prefix) > keys

    user.until(lambda: not tab.busy)  # it compares the new backup with the table
    run(database, "DROP TABLE users")
    tab.refresh()
    user.until(lambda: "users" in missing(tab))
    user.choose(tab.tables.table, "users")
    assert not tab.tables.back_up.isEnabled()
    user.press("Restore", tab)
    user.until(lambda: tab.banner.text.startswith("users was restored: 4 rows"))
    assert rows_of(database) == before
    assert run(database, "PRAGMA table_xinfo(users)") == columns
    assert run(database, "PRAGMA foreign_key_check") == []


def missing(tab):
    """Return the tables that cannot be backed up now; other tests' backups may name more."""
    return {table.name for table in tab.tables.model.tables if table.problem}


def keys_under(client, prefix):
    answer = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return {each["Key"] for each in answer["Contents"]}
