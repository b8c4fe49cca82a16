"""Every file that the program writes for itself is readable by its user only."""

import logging
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import gui.errors
from core import paths
from core.local.activity import ChangeLog
from core.local.settings import Settings
from core.model.change import Change, ChangeKind
from core.units import utc_now

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def open_umask():
    """The umask of a machine where everybody may read."""
    before = os.umask(0)
    yield
    os.umask(before)


def readable_by_others(home):
    """Return what others may read or enter below a folder, the folder included."""
    return {
        str(path.relative_to(home.parent)): stat.filemode(path.stat().st_mode)
        for path in (home, *home.rglob("*"))
        if path.stat().st_mode & 0o077
    }


def test_a_session_of_commands_leaves_nothing_that_others_can_read(
    open_umask, tmp_path, demo_server, monkeypatch
):
    home = tmp_path / "home"
    environment = {
        **os.environ,
        "STRONGROOM_HOME": str(home),
        "AWS_ENDPOINT_URL": demo_server.endpoint_url,
        "AWS_ACCESS_KEY_ID": demo_server.admin.access_key_id,
        "AWS_SECRET_ACCESS_KEY": demo_server.admin.secret_access_key.reveal(),
    }
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.txt").write_text("text")
    database = str(tmp_path / "a.db")
    with closing(sqlite3.connect(database)) as filled, filled:
        filled.execute("CREATE TABLE trades (id INTEGER PRIMARY KEY, price REAL)")
        filled.execute("INSERT INTO trades VALUES (1, 2.5)")
    for text in (
        ("put", str(folder), "private/"),
        ("link", "private/0.txt"),
        ("stats", "private/"),
        ("get", "-r", "private/", str(tmp_path / "back")),
        ("backup", database, "trades"),
        ("backups", "trades"),
        ("secrets", "list"),
        ("check",),
    ):
        ended = subprocess.run(
            [sys.executable, "-m", "core", *text],
            env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert ended.returncode == 0, (text, ended.stderr[-1000:])
    assert {"data", "cache"} <= {path.name for path in home.iterdir()}
    assert (home / "data" / "state.db").is_file()
    assert readable_by_others(home) == {}


def test_the_files_of_the_window_are_private(open_umask, tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    handler = gui.errors._file()
    handler.emit(logging.LogRecord("x", logging.INFO, __file__, 1, "text", (), None))
    handler.doRollover()
    handler.emit(logging.LogRecord("x", logging.INFO, __file__, 1, "text", (), None))
    handler.close()
    settings = Settings()
    settings.set("a", 1)
    settings.flush()
    ChangeLog().append(Change(ChangeKind.LINKS, "a", "s", "o", utc_now()))
    paths.cache_dir()
    names = {path.name for path in (tmp_path / "home").rglob("*") if path.is_file()}
    assert names >= {
        "strongroom.log",
        "strongroom.log.1",
        "state.db",
        "state.db-wal",
        "state.db-shm",
    }
    assert readable_by_others(tmp_path / "home") == {}


def test_what_an_earlier_version_left_readable_is_made_private(open_umask, tmp_path, monkeypatch):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    elsewhere.write_text("not ours")
    for name in ("config", "data", "cache"):
        (home / name / "deeper").mkdir(parents=True)
        (home / name / "deeper" / "file.jsonl").write_text("{}")
        (home / name / "link").symlink_to(elsewhere)
    assert len(readable_by_others(home / "data")) == 4
    monkeypatch.setenv("STRONGROOM_HOME", str(home))
    for made in (paths.config_dir(), paths.data_dir(), paths.cache_dir()):
        (made / "link").unlink()
        assert readable_by_others(made) == {}
    assert elsewhere.stat().st_mode & 0o077, "a symbolic link leads out: its target is not ours"
