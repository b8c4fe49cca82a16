"""Backups as operators use them, on each of the S3 servers: list, pin, retention, drill, query, recovery."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.backups import everything, sql, trading_database
from helpers.recovery import run_kit
from helpers.s3_servers import S3Server

from core.cli import main
from core.errors import ErrorKind

TABLE = "orders"
NOTE = "it's <b>\n'; DROP TABLE orders; -- é"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return trading_database(tmp_path / "trading.db", rows=50)


@pytest.fixture
def run(
    s3_server: S3Server, s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Any]:  # fmt: skip
    """Run a command with `--json` on a new bucket, and return its result."""
    for name, value in s3_server.environment(tmp_path).items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)

    def call(*arguments: str, code: int = 0) -> Any:
        found = main([*arguments, "--bucket", s3_bucket, "--json"])
        output = capsys.readouterr()
        assert found == code, output.err
        return json.loads(output.out) if output.out.strip() else output.err

    return call


@pytest.fixture
def ids(run: Callable[..., Any], path: Path) -> list[str]:
    """The ids of three backups, oldest first."""
    made = [run("backup", str(path), TABLE, "--note", NOTE) for _ in range(3)]
    return [one["backups"][0]["id"] for one in made]


def test_a_backup_is_listed_verified_pinned_and_removed(
    run: Callable[..., Any], ids: list[str], path: Path
) -> None:
    listed = run("backups", TABLE)
    assert [one["id"] for one in listed] == ids[::-1]
    assert {one["note"] for one in listed} == {NOTE}
    assert run("backups", TABLE, "--verify")["problems"] == []
    run("backups", TABLE, "--pin", ids[0], "--note", NOTE)
    assert [one["pinned"] for one in run("backups", TABLE)] == [False, False, True]
    plan = run("retention", TABLE, "--daily", "1")
    assert [one["retained"] for one in plan["decisions"]] == [True, False, True]
    assert len(run("backups", TABLE)) == 3
    removed = run("retention", TABLE, "--daily", "1", "--yes")["removed"]
    assert [one["id"] for one in removed] == [ids[1]]
    run("backups", TABLE, "--unpin", ids[0])
    assert [one["pinned"] for one in run("backups", TABLE)] == [False, False]
    run("backups", "--overdue", "1h")
    run("backups", "nothing", "--overdue", "1h", code=ErrorKind.NOT_FOUND.value)
    assert everything(path)


def test_a_backup_is_proven_queried_and_exported(
    run: Callable[..., Any], ids: list[str], path: Path, tmp_path: Path
) -> None:
    before = everything(path)
    report = run("drill", TABLE)
    assert (report["problems"], report["rows"]) == ([], 50)
    newest, *_ = run("backups", TABLE)
    assert newest["id"] == ids[-1]
    assert newest["checked"].startswith("proven by a restore drill")
    counted = "SELECT status, count(*) FROM backup GROUP BY 1 ORDER BY 1"
    assert run("query", TABLE, counted)["rows"] == [["filled", 25], ["open", 25]]
    run("export", TABLE, "--output", str(tmp_path / "orders.csv"))
    text = (tmp_path / "orders.csv").read_text(encoding="utf-8")
    rows = list(csv.reader(text.splitlines()))
    assert (rows[0], len(rows)) == (["id", "user_id", "price", "status"], 51)
    assert everything(path) == before


def test_a_schedule_runs_and_its_backup_is_restored(
    run: Callable[..., Any], ids: list[str], path: Path
) -> None:
    """The command of a generated cron line is run as cron passes it to a shell."""
    (file,) = run("schedule", str(path), TABLE, "--format", "cron")
    (line,) = (one for one in file["text"].splitlines() if " backup " in one)
    command = shlex.split(re.sub(r"^\S+ \S+ \S+ \S+ \S+ ", "", line).replace(r"\%", "%"))
    arguments = command[command.index("backup") :]
    arguments = [one for one in arguments if not one.startswith("--bucket") and one != "--json"]
    run(*arguments)
    assert len(run("backups", TABLE)) == len(ids) + 1
    before = sql(path, "SELECT * FROM orders ORDER BY id")
    sql(path, "DELETE FROM orders WHERE id > 7")
    assert run("restore", str(path), TABLE, "--yes")["verified"] == "verified (SHA-256)"
    assert sql(path, "SELECT * FROM orders ORDER BY id") == before


@pytest.mark.skipif(not shutil.which("zstd"), reason="zstd is not installed")
def test_the_recovery_kit_restores_from_the_bucket(
    run: Callable[..., Any],
    s3_server: S3Server,
    s3_bucket: str,
    ids: list[str],
    path: Path,
    tmp_path: Path,
) -> None:
    keys = {
        "AWS_ACCESS_KEY_ID": s3_server.access_key_id,
        "AWS_SECRET_ACCESS_KEY": s3_server.secret_access_key,
    }
    place = ("--bucket", s3_bucket, "--endpoint-url", s3_server.endpoint_url)
    listed = run_kit(tmp_path / "kit", "list", *place, **keys)
    assert listed.returncode == 0, listed.stderr
    assert all(f"\t{TABLE}\t{one}\t50 rows, SQLite" in listed.stdout for one in ids)
    target = tmp_path / "new.db"
    done = run_kit(tmp_path / "kit", "restore", TABLE, *place, "--sqlite", target, **keys)
    assert (done.returncode, done.stderr) == (0, "")
    assert sql(target, "SELECT * FROM orders ORDER BY id") == sql(
        path, "SELECT * FROM orders ORDER BY id"
    )
    assert run("backups", TABLE)
