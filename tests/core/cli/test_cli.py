"""The commands for objects, links, statistics, secrets and backups work against the demo server."""

import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import urllib.request

import pytest

from core.cli import COMMANDS, main
from core.cli.common import split_common_options
from core.cli.output import plain, printable
from core.errors import AccessDenied, ErrorKind, InvalidInput
from core.objects import level
from core.redaction import Secret


@pytest.fixture
def run(demo_server, monkeypatch, capsys):
    """Run one command against the embedded server, as AWS_* variables name it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", demo_server.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", demo_server.admin.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", demo_server.admin.secret_access_key.reveal())

    def call(*arguments, code=0):
        given = main([str(word) for word in arguments])
        output = capsys.readouterr()
        assert given == code, output.err
        assert demo_server.admin.secret_access_key.reveal() not in output.out + output.err
        assert "\x1b" not in output.out + output.err
        return output

    return call


def as_json(captured):
    return json.loads(captured.out)


def test_put_ls_get_and_what_is_never_overwritten(run, demo_prefix, tmp_path):
    source = tmp_path / "a.txt"
    source.write_text("hello")
    written = as_json(run("put", source, f"{demo_prefix}a.txt", "--json"))
    assert written["size"] == 5
    output = run("put", source, f"{demo_prefix}a.txt", code=ErrorKind.ALREADY_EXISTS.value)
    assert "already exists" in output.err
    run("put", source, f"{demo_prefix}a.txt", "--overwrite")
    rows = as_json(run("ls", demo_prefix, "--json"))
    assert [(row["key"], row["size"]) for row in rows] == [(f"{demo_prefix}a.txt", 5)]
    target = tmp_path / "out"
    target.mkdir()
    assert "verified" in run("get", f"{demo_prefix}a.txt", target).out
    assert (target / "a.txt").read_text() == "hello"
    run("get", f"{demo_prefix}a.txt", target, code=ErrorKind.ALREADY_EXISTS.value)
    run("get", f"{demo_prefix}none", target, code=ErrorKind.NOT_FOUND.value)


def test_a_prefix_may_be_an_address_with_its_bucket(run, demo_prefix, tmp_path):
    source = tmp_path / "a.txt"
    source.write_text("hello")
    run("put", source, f"{demo_prefix}a.txt")
    address = f"s3://tentimecrypto/{demo_prefix}"
    assert [row["key"] for row in as_json(run("ls", address, "--json"))] == [f"{demo_prefix}a.txt"]
    assert as_json(run("stats", address, "--json"))["objects"] == 1
    assert as_json(run("link", f"{address}a.txt", "--json"))[0]["key"] == f"{demo_prefix}a.txt"
    for name in ("ls", "stats", "uploads", "sweep"):
        run(name, "s3://none-such-bucket/", code=ErrorKind.NO_SUCH_BUCKET.value)
    other = run("ls", address, "--bucket", "b", code=ErrorKind.USAGE.value)
    assert "The address and --bucket name different buckets" in other.err
    nothing = run("ls", f"{demo_prefix}none")
    assert (nothing.out, nothing.err) == (
        "",
        f"No key of tentimecrypto begins with {demo_prefix}none.\n",
    )


@pytest.mark.parametrize("options", [(), ("--if-exists", "skip"), ("-r",)])
def test_a_target_that_ends_with_a_slash_is_a_folder_and_no_file(
    run, demo_prefix, tmp_path, options
):
    source = tmp_path / "a.txt"
    source.write_text("hello")
    run("put", source, f"{demo_prefix}a.txt")
    run(
        "get",
        f"{demo_prefix}{'' if '-r' in options else 'a.txt'}",
        f"{tmp_path}/new/deep/",
        *options,
    )
    assert (tmp_path / "new" / "deep" / "a.txt").read_text() == "hello"
    run("get", f"{demo_prefix}a.txt", tmp_path / "file", *options[:2])
    found = tmp_path / "file" / "a.txt" if "-r" in options else tmp_path / "file"
    assert found.read_text() == "hello"


@pytest.mark.parametrize(
    "arguments",
    [
        ("sql", "SELECT 1", "-o"),
        ("collect", "ohlcv", "A", "--from", "2024-01-01", "--to", "2024-01-02", "-o"),
        ("query", "t", "SELECT 1", "--csv"),
        ("export", "t", "--format", "csv", "--output"),
        ("coverage", "ohlcv", "--output"),
        ("stats", "--output"),
        ("get", "a", "b", "--hash-list"),
    ],
)
def test_a_file_that_is_named_like_a_folder_is_refused_and_not_written(run, tmp_path, arguments):
    error = run(*arguments, f"{tmp_path}/new/", code=ErrorKind.USAGE.value).err
    assert "is a folder" in error
    assert not (tmp_path / "new").exists()


def test_listed_objects_are_written_before_the_next_request_with_json_lines(
    run, demo_prefix, tmp_path, monkeypatch, capsys
):
    real, before = level.page_of, []

    def page_of(*given, token, **more):
        if token is not None:
            before.extend(capsys.readouterr().out.splitlines())
            raise AccessDenied("Denied")
        return real(*given, token=token, **more)[0], "next"

    source = tmp_path / "a.txt"
    source.write_text("hello")
    run("put", source, f"{demo_prefix}a.txt")
    monkeypatch.setattr(level, "page_of", page_of)
    run("ls", demo_prefix, "--json-lines", code=ErrorKind.ACCESS_DENIED.value)
    assert [json.loads(line)["key"] for line in before] == [f"{demo_prefix}a.txt"]


def test_folders_go_up_and_come_down_complete(run, demo_prefix, tmp_path):
    folder = tmp_path / "tree"
    for name in ("x/1.json", "x/2.json", "y.csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    output = run("put", folder, demo_prefix)
    assert "uploaded 3 of 3 files" in output.out
    assert "3 skipped" in run("put", folder, demo_prefix).out
    keys = [row["key"] for row in as_json(run("ls", demo_prefix, "-r", "--json"))]
    assert keys == [f"{demo_prefix}tree/{name}" for name in ("x/1.json", "x/2.json", "y.csv")]
    back = tmp_path / "back"
    report = as_json(run("get", demo_prefix, back, "--recursive", "--json"))
    assert report["planned"] == len(report["done"]) == 3
    assert (back / "tree" / "x" / "2.json").read_text() == "x/2.json"
    run("get", f"{demo_prefix}nothing/", back, "-r", code=ErrorKind.NOT_FOUND.value)


def test_links_work_without_keys_and_tell_their_real_end(run, demo_prefix, tmp_path):
    source = tmp_path / "a"
    source.write_text("linked")
    run("put", source, f"{demo_prefix}a")
    url = run("link", f"{demo_prefix}a", "--expires", "30m").out.strip()
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"linked"
    rows = as_json(run("link", f"{demo_prefix}b", "--put", "--expires", "7d", "--json"))
    assert rows[0]["method"] == "PUT"
    assert (rows[0]["limited_by"], rows[0]["expiry_known"]) == ("", True)
    refused = run("link", "x", "--expires", "8d", code=ErrorKind.INVALID_INPUT.value)
    assert "7 days" in refused.err
    request = urllib.request.Request(rows[0]["url"], data=b"sent", method="PUT")
    with urllib.request.urlopen(request):
        pass
    run("get", f"{demo_prefix}b", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"sent"
    for life in ("soon", "0", "-1", "1.5", "9" * 5000, "9" * 12):
        run("link", "x", f"--expires={life}", code=ErrorKind.INVALID_INPUT.value)


def test_statistics_add_up(run):
    found = as_json(run("stats", "user-data/", "--json"))
    assert found["objects"] == sum(share["objects"] for share in found["kinds"]) > 0
    assert "User portfolios" in run("stats", "user-data/").out


def test_statistics_are_exported(run, tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    found = as_json(run("stats", "user-data/", "--json", "--output", path))
    total, *rows = json.loads(path.read_text(encoding="utf-8"))
    assert (total["group"], total["objects"]) == ("total", found["objects"])
    kinds = {row["name"]: row["size"] for row in rows if row["group"] == "kind"}
    assert kinds == {share["name"]: share["size"] for share in found["kinds"]}
    # A name that is refused costs no request.
    with monkeypatch.context() as patched:
        patched.setattr("core.statistics.scan.scan", None)
        run("stats", "--output", path, code=ErrorKind.ALREADY_EXISTS.value)
        run("stats", "--output", tmp_path / "a.txt", code=ErrorKind.INVALID_INPUT.value)
    noted = run("stats", "user-data/", "--output", path, "--overwrite").err
    assert f"{1 + len(rows)} records written to {path}." in noted


def test_secrets_are_masked_unless_asked_for(run, monkeypatch, tmp_path):
    name = "cryptotrading/cli-test"
    value = tmp_path / "value.json"
    value.write_text('{"user": "me", "password": "cli-canary-0123456789"}')
    run("secrets", "put", name, "--file", value)
    assert "cli-canary" not in run("secrets", "get", name).out
    assert "cli-canary" not in run("secrets", "get", name, "--json").out
    assert as_json(run("secrets", "get", name, "--reveal", "--json"))["user"] == "me"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"changed-canary-987654321\n")))
    assert "canary" not in run("secrets", "put", name, "password", "user=you").out
    revealed = as_json(run("secrets", "get", name, "--reveal", "--json"))
    assert revealed == {"user": "you", "password": "changed-canary-987654321"}
    names = [row["name"] for row in as_json(run("secrets", "list", "--json"))]
    assert "cryptotrading/s3-storage" in names
    assert "canary" not in run("secrets", "list").out
    run("secrets", "get", "cryptotrading/none", code=ErrorKind.NOT_FOUND.value)
    run("secrets", "put", name, code=ErrorKind.USAGE.value)


def test_a_table_is_backed_up_dropped_and_restored(run, demo_server, tmp_path):
    database = tmp_path / "db.sqlite"
    shutil.copy(demo_server.database_path, database)

    def rows():
        with sqlite3.connect(database) as connection:
            return connection.execute("SELECT * FROM users ORDER BY id").fetchall()

    before = rows()
    made = as_json(run("backup", database, "users", "--note", "cli", "--json"))["backups"][0]
    assert made["rows"] == len(before)
    assert made["id"] in run("backups", "users").out
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE users SET name = 'changed' WHERE id = (SELECT min(id) FROM users)"
                           if "name" in _columns(connection) else
                           "DELETE FROM users WHERE id = (SELECT max(id) FROM users)")  # fmt: skip
    changed = rows()
    assert changed != before
    output = run("restore", database, "users", "--id", made["id"])
    assert "Nothing was changed" in output.err
    assert rows() == changed
    report = as_json(
        run("restore", f"sqlite:///{database}", "users", "--id", made["id"], "--yes", "--json")
    )
    assert rows() == before
    assert report["kept"]
    run("restore", database, "users", "--as", "users_old", "--yes", "--at", "2099-01-01")
    run("restore", database, "users", "--id", "none", code=ErrorKind.NOT_FOUND.value)
    run("backup", "oracle://u@h/d", "t", code=ErrorKind.NOT_SUPPORTED.value)
    output = run("backup", "postgresql://u:cli-canary-pw@h/d", "t", code=ErrorKind.USAGE.value)
    assert "cli-canary-pw" not in output.err


def _columns(connection):
    return {row[1] for row in connection.execute("PRAGMA table_info(users)")}


def test_check_and_setup(run, demo_server, monkeypatch):
    rows = as_json(run("check", "--contract", "--json"))
    assert {row["needed"] for row in rows} == {"contract"}
    assert all(row["ok"] for row in rows)
    assert "keys from the environment (env); no end known" in run("check", "--contract").err
    assert "not changed" in run("setup").out
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", demo_server.platform.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", demo_server.platform.secret_access_key.reveal())
    extras = {row["action"]: row["ok"] for row in as_json(run("check", "--json"))}
    assert extras["s3:PutObject"] is True
    assert False in extras.values()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong-secret-0123456789"}, ErrorKind.CREDENTIALS_INVALID),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, ErrorKind.OFFLINE),
    ],
)
def test_exit_codes_tell_the_kind(run, monkeypatch, change, kind):
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    output = run("secrets", "list", "--json", code=kind.value)
    error = json.loads(output.err)["error"]
    assert error["kind"] == kind.name.lower()
    assert error["remedy"]
    assert output.out == ""


def test_a_home_that_cannot_be_written_is_explained(run, monkeypatch, tmp_path):
    """As in a container with a read-only home: no folder of the command could be chosen."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "file"))
    failed = json.loads(run("links", "--json", code=42).err)["error"]
    assert failed["summary"] == f"{tmp_path / 'file' / 'data'} could not be used"
    assert failed["remedy"].startswith("Set STRONGROOM_HOME to a folder in which you may write:")


def test_usage_is_reported_and_options_stand_anywhere(run):
    run("nonsense", code=2)
    run("ls", "--bogus", code=2)
    run("ls", "--bucket", code=ErrorKind.USAGE.value)
    assert "Commands" in run("--help").out
    run("ls", "--bucket", "no-such-bucket", code=ErrorKind.NO_SUCH_BUCKET.value)
    common, rest = split_common_options(["--json", "ls", "--region=r", "x", "--", "--demo"])
    assert (common.json, common.region, common.demo) == (True, "r", False)
    assert rest == ["ls", "x", "--", "--demo"]
    with pytest.raises(InvalidInput):
        split_common_options(["ls", "--profile"])


def test_every_command_has_its_help(run):
    for command in COMMANDS:
        assert "Usage" in run(command, "--help").out


def test_what_a_terminal_would_act_on_is_escaped():
    assert printable("a\x1b[31m\u202eb\r\n\t\u2028") == "a\\x1b[31m\\u202eb\\r\\n\\t\\u2028"
    assert plain({"s": Secret("canary-abcdefgh")}) == {"s": "***"}


NO_QT = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"PySide6", "shiboken6"}:
            raise ImportError(f"{name} was imported")
sys.meta_path.insert(0, Refuse())
from gui.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def test_the_command_line_needs_no_qt_and_brings_its_own_demo():
    done = subprocess.run(
        [sys.executable, "-c", NO_QT, "ls", "analytics/", "--demo", "--json"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert any(row.get("folder") for row in json.loads(done.stdout))


def test_ctrl_c_ends_the_demo_server_and_what_it_prints_is_enough(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "core", "demo-server"], stdout=subprocess.PIPE, text=True
    ) as server:
        exports = server.stdout.readline()
        values = dict(word.split("=", 1) for word in exports.split()[1:])
        listed = subprocess.run(
            [sys.executable, "-m", "core", "ls"],
            env={**os.environ, **values}, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert "market-data/" in listed.stdout
        server.send_signal(signal.SIGINT)
        assert server.wait(10) == 0
