"""Of two concurrent processes of one user exactly one wins, and nothing is lost."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from helpers.demo import plain_client
from helpers.program import Program
from helpers.s3_servers import demo_as_s3, heavy_servers

from core.local.state.database import state_database

ROUNDS = int(os.environ.get("RACES") or 3)
SIZES = {"small": 1_000, "mid": 3_000_000, "big": 20_000_000}
ALREADY_EXISTS, CONFLICT = 22, 23
pytestmark = pytest.mark.timeout(120 + ROUNDS * 60)
on_servers = pytest.mark.parametrize("s3_server", heavy_servers(), indirect=True)


@pytest.fixture
def program(s3_server, s3_bucket, tmp_path, forks):
    return Program(s3_server, s3_bucket, tmp_path / "home", forks)


def codes(runs):
    assert not [r.stderr for r in runs if "Traceback" in r.stderr or r.returncode < 0]
    return sorted(r.returncode for r in runs)


@on_servers
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("form", ["file", "folder"])
def test_two_uploads_to_one_key(program, s3_client, s3_bucket, tmp_path, size, form):
    if size != "small":  # these are multipart uploads
        program.server.require("conditional completion")
    files = [tmp_path / name / "f.bin" for name in ("a", "b")]
    for number, path in enumerate(files):
        path.parent.mkdir()
        path.write_bytes(bytes([65 + number]) * SIZES[size])
    for round_ in range(ROUNDS if size == "small" else max(2, ROUNDS // 2)):
        target = f"{size}/{round_}/" + ("f.bin" if form == "file" else "")
        runs = program.together(*(("put", str(path), target, "--json") for path in files))
        stored = s3_client.get_object(Bucket=s3_bucket, Key=f"{size}/{round_}/f.bin")["Body"].read()
        winners = [n for n, run in enumerate(runs) if _wrote(run, form)]
        assert len(winners) == 1, [(r.returncode, r.stdout, r.stderr) for r in runs]
        assert stored == files[winners[0]].read_bytes()
        assert "Traceback" not in "".join(r.stderr for r in runs)


def _wrote(run, form):
    """Whether a run says that it stored the object; a folder's upload may skip it."""
    if form == "file":
        assert run.returncode in {0, ALREADY_EXISTS, CONFLICT}, run.stderr
        return run.returncode == 0
    return bool(json.loads(run.stdout).get("done"))


@on_servers
def test_two_downloads_into_one_file(program, s3_client, s3_bucket, tmp_path):
    for name in ("a", "b"):
        s3_client.put_object(Bucket=s3_bucket, Key=name, Body=name.encode() * SIZES["mid"])
    for round_ in range(ROUNDS):
        target = tmp_path / f"got-{round_}"
        runs = program.together(*(("get", name, str(target)) for name in ("a", "b")))
        assert codes(runs) == [0, ALREADY_EXISTS], [r.stderr for r in runs]
        winner = "ab"[[r.returncode for r in runs].index(0)]
        assert target.read_bytes() == winner.encode() * SIZES["mid"]


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "trading.db"
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, v TEXT)")
        made.executemany("INSERT INTO orders VALUES (?, ?)", ((n, "v" * 50) for n in range(20_000)))
    return path


def rows(path):
    with closing(sqlite3.connect(path)) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return opened.execute("SELECT count(*), min(v), max(v) FROM orders").fetchone()


@on_servers
def test_two_backups_of_one_table(program, database):
    for _ in range(ROUNDS):
        assert codes(program.together(*[("backup", str(database), "orders")] * 2)) == [0, 0]
    listed = json.loads(program.run("backups", "--json").stdout)
    assert len({row["id"] for row in listed}) == 2 * ROUNDS
    assert {row["state"] for row in listed} == {"complete"}


@on_servers
def test_two_restores_of_one_table(program, database):
    assert program.run("backup", str(database), "orders").returncode == 0
    before = rows(database)
    succeeded = 0
    for _ in range(ROUNDS):
        runs = program.together(*[("restore", str(database), "orders", "--yes")] * 2)
        assert not [r.stderr for r in runs if "Traceback" in r.stderr]
        succeeded += sum(r.returncode == 0 for r in runs)
        assert rows(database) == before
    with closing(sqlite3.connect(database)) as opened:
        names = [n for (n,) in opened.execute("SELECT name FROM sqlite_schema WHERE type='table'")]
    former = [name for name in names if "__before_" in name]
    assert succeeded >= ROUNDS
    assert len(former) == succeeded
    assert set(names) - set(former) == {"orders"}


def test_two_saves_of_one_secret(demo_server, tmp_path, forks):
    server = demo_as_s3(demo_server)
    client = plain_client(demo_server, "secretsmanager", demo_server.admin)
    program = Program(server, "tentimecrypto", tmp_path / "home", forks)
    for round_ in range(ROUNDS):
        name = f"cryptotrading/race-{tmp_path.name}-{round_}"
        client.create_secret(Name=name, SecretString='{"a": "0", "b": "0"}')
        runs = []
        for field in ("a", "b"):
            (tmp_path / field).write_text(f"new-{field}")
            arguments = ("secrets", "put", name, field, "--file", str(tmp_path / field))
            runs.append(program.start(*arguments))
        done = [run.finished(60) for run in runs]
        ended = [(run.stderr, run.returncode) for run in done]
        value = json.loads(client.get_secret_value(SecretId=name)["SecretString"])
        for field, (errors, code) in zip(("a", "b"), ended, strict=True):
            assert "Traceback" not in errors
            assert code in {0, CONFLICT}, errors
            assert value[field] == (f"new-{field}" if code == 0 else "0")
        assert 0 in {code for _errors, code in ended}
    client.close()


PROFILES = """
import sys
from core.local.state.database import state_database
from core.local.profiles import ProfileStore
from core.model.connection import KeySource, Profile
for number in range(10):
    ProfileStore().save(Profile(f"p{sys.argv[1]}-{number}", KeySource.ENVIRONMENT))
"""
SETTINGS = """
import sys
from core.local.settings import Settings
settings = Settings()
for number in range(10):
    settings.set(f"k{sys.argv[1]}-{number}", str(number))
"""


@pytest.mark.parametrize(
    ("script", "names"),
    [(PROFILES, "SELECT name FROM profiles"), (SETTINGS, "SELECT key FROM settings")],
)
def test_two_processes_that_save_lose_nothing(seaweed, tmp_path, script, names):
    for round_ in range(ROUNDS):
        home = tmp_path / str(round_)
        home.mkdir()
        environment = seaweed.environment(home)
        started = [
            subprocess.Popen([sys.executable, "-c", script, name], env=environment)
            for name in ("0", "1")
        ]
        assert [process.wait(60) for process in started] == [0, 0]
        stored = {name for (name,) in state_database(home / "strongroom" / "data").rows(names)}
        letter = "p" if script is PROFILES else "k"
        assert stored == {f"{letter}{i}-{n}" for i in range(2) for n in range(10)}
