"""The recovery kit restores SQLite tables on a machine without Strongroom, and overwrites nothing."""

from __future__ import annotations

import ast
import gzip
import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from email.message import Message
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from urllib.error import HTTPError

import apsw
import pytest
from helpers.backups import MemoryStore, backed_up, everything, schema_of, sql, trading_database
from helpers.moto_bucket import moto_bucket
from helpers.recovery import copied, run_kit

from core.backup import recovery_kit
from core.backup.databases import open_database
from core.backup.recovery_kit.script.failures import DATABASE, NOT_FOUND, USAGE, KitError
from core.backup.recovery_kit.script.mariadb import mariadb_fragment
from core.backup.recovery_kit.script.postgresql import collation_name, fragment, type_name
from core.backup.recovery_kit.script.program import main as restore
from core.backup.recovery_kit.script.sqlite import default_value, expression
from core.backup.recovery_kit.script.storage import Bucket, _refused, configured_endpoint
from core.backup.run import back_up
from core.cli import main
from core.errors import AlreadyExists
from core.model.selection import Selection
from core.work import Work

pytestmark = pytest.mark.skipif(not shutil.which("zstd"), reason="zstd is not installed")

#: Values and schemas that are easily changed by a restore.
ODD = """
CREATE TABLE "o""dd 'table" (
    a, b REAL DEFAULT -1.5, "c d" TEXT COLLATE NOCASE DEFAULT 'it''s', e BLOB,
    f INT GENERATED ALWAYS AS (length(e)) STORED, g INTEGER NOT NULL DEFAULT (1 + 2),
    CONSTRAINT "k 1" UNIQUE (a, b) ON CONFLICT IGNORE, CHECK (g <> ';'),
    FOREIGN KEY (g) REFERENCES "o""dd 'table" (a) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED);
CREATE INDEX "i ""1" ON "o""dd 'table" (lower("c d") DESC) WHERE a IS NOT NULL;
INSERT INTO "o""dd 'table" (rowid, a, b, "c d", e, g) VALUES
    (-5, 9223372036854775807, 9e999, 'a' || char(0) || 'b', x'00ff', 1),
    (7, -9223372036854775808, 0.1, CAST(x'ff41' AS TEXT), x'', 2),
    (9, '1', -9e999, '€ 😀 \\ "' || char(10), NULL, 3), (10, 1.0, 5e-324, '', zeroblob(2000), 4),
    (11, -0.0, 0.30000000000000004, NULL, 'text in a blob', 5), (12, 1, NULL, '{"$hex":"00"}', 7, 6);
CREATE TABLE strict_one (k TEXT PRIMARY KEY, v ANY) STRICT, WITHOUT ROWID;
INSERT INTO strict_one VALUES ('b', 1), ('a', '1'), ('c', -0.0);
"""


def test_tables_come_back_exactly(store: MemoryStore, path: Path, tmp_path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(ODD)
    connection.execute("DELETE FROM users WHERE id = 3")
    connection.close()
    tables = ("users", "orders", "o\"dd 'table", "strict_one")
    backed_up(store, path, *tables)
    folder, target = copied(store, tmp_path / "copy"), tmp_path / "new.db"
    for table in tables:
        done = run_kit(tmp_path / "kit", "restore", table, "--folder", folder, "--sqlite", target)
        assert (done.returncode, done.stderr) == (0, "")
        assert schema_of(target, table) == _without_triggers(path, table)
        assert _content(target, table) == _content(path, table)
    assert {p.name for p in tmp_path.iterdir()} >= {"kit", "copy", "new.db"}
    assert sorted(p.name for p in (tmp_path / "kit").iterdir()) == ["FORMAT.md", "restore.py"]
    with open_database(str(target), write=True) as database:
        assert database.exists("users")
    # The next number is not one that was used before.
    assert sql(target, "INSERT INTO users(name) VALUES ('dan') RETURNING id") == [(4,)]


def test_tables_of_one_name_of_several_databases_are_chosen_by_id(
    store: MemoryStore, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = backed_up(store, path, "orders")
    second = backed_up(store, trading_database(tmp_path / "staging.db", rows=3), "orders")
    folder, target = copied(store, tmp_path / "copy"), tmp_path / "new.db"
    arguments = ["restore", "orders", "--folder", str(folder), "--sqlite", str(target)]
    assert restore(arguments) == USAGE
    refused = capsys.readouterr().err
    assert first.id in refused
    assert second.id in refused
    assert not target.exists()
    assert restore([*arguments, "--id", first.id]) == 0
    shown = capsys.readouterr().out
    assert f"the backup {first.id}" in shown
    assert str(path) in shown


def test_a_full_disk_leaves_nothing_and_is_named(
    store: MemoryStore, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    backed_up(store, path, "orders")
    folder, target = copied(store, tmp_path / "copy"), tmp_path / "new" / "new.db"
    target.parent.mkdir()
    connect = sqlite3.connect

    def small(file: str, **more: None) -> sqlite3.Connection:
        connection = connect(file, **more)
        connection.execute("PRAGMA max_page_count = 2")
        target.with_name("new.db-journal").write_bytes(b"left by a rollback without space")
        return connection

    monkeypatch.setattr(sqlite3, "connect", small)
    arguments = ["restore", "orders", "--folder", str(folder), "--sqlite", str(target)]
    assert restore(arguments) == DATABASE
    assert "Free space" in capsys.readouterr().err
    assert list(target.parent.iterdir()) == []


def test_what_does_not_exist_is_named(
    store: MemoryStore, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backed_up(store, path, "orders")
    folder, target = copied(store, tmp_path / "copy"), tmp_path / "none" / "new.db"
    arguments = ["--folder", str(folder), "--sqlite", str(target)]
    assert restore(["restore", "nothing", *arguments]) == 20
    assert capsys.readouterr().err.startswith("Error: There is no backup of nothing.\n")
    assert restore(["restore", "orders", *arguments, "--id", "zzz"]) == 20
    assert capsys.readouterr().err.startswith("Error: There is no backup zzz of orders.\n")
    assert restore(["restore", "orders", *arguments]) == 42
    assert f"{target}: No such file or directory.\nCheck the path" in capsys.readouterr().err


@pytest.mark.parametrize(("status", "code"), [(401, 13), (403, 13), (404, 20), (500, 33)])
def test_a_refusal_of_the_server_has_the_exit_code_of_its_kind(status: int, code: int) -> None:
    body = BytesIO(b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
    error = HTTPError("http://x", status, "", Message(), body)
    refused = _refused(error, "")
    assert refused.code == code
    assert "SignatureDoesNotMatch to the request for the listing" in str(refused)
    assert ("access keys" in refused.remedy) == (code == 13)


def _without_triggers(path: Path, table: str) -> object:
    from dataclasses import replace

    return replace(schema_of(path, table), triggers=())


def _content(path: Path, table: str) -> object:
    with open_database(str(path)) as database, database.snapshot():
        return database.content(database.schema(table), work=Work())


def test_nothing_is_overwritten(
    store: MemoryStore, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backed_up(store, path, "orders")
    folder, before = copied(store, tmp_path / "copy"), everything(path)
    arguments = ["restore", "orders", "--folder", str(folder), "--sqlite", str(path)]
    assert restore(arguments) == 22
    assert "orders already exists" in capsys.readouterr().err
    assert everything(path) == before
    # The trigger exists under its name.
    assert restore([*arguments, "--as", "orders_2", "--with-triggers"]) == 43
    assert everything(path) == before
    assert restore([*arguments, "--as", "orders_2"]) == 0
    assert sql(path, "SELECT * FROM orders_2") == sql(path, "SELECT * FROM orders")
    recovery_kit.write(tmp_path / "kit")
    with pytest.raises(AlreadyExists):
        recovery_kit.write(tmp_path / "kit")


def test_a_kit_that_cannot_be_written_completely_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(recovery_kit, "page_text", lambda: "not UTF-8: \udcff")
        with pytest.raises(UnicodeEncodeError):
            recovery_kit.write(tmp_path / "kit")
    assert list(tmp_path.iterdir()) == []
    recovery_kit.write(tmp_path / "kit")


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_the_server_is_that_of_the_variables_of_aws(
    path: Path, tmp_path: Path, variable: str
) -> None:
    store = MemoryStore()
    backup = backed_up(store, path, "orders")
    with moto_bucket() as bucket:
        for key, data in store.objects.items():
            bucket.clients.s3().put_object(Bucket=bucket.name, Key=key, Body=data)
        url = bucket.clients.connection.profile.endpoint_url
        closed = "http://127.0.0.1:9"
        variables = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "moto-secret-key",
                     "AWS_ENDPOINT_URL": closed, variable: url}  # fmt: skip
        listed = run_kit(tmp_path / "kit", "list", "--bucket", bucket.name, **variables)
        option = ("list", "--bucket", bucket.name, "--endpoint-url", closed)
        refused = run_kit(tmp_path / "kit", *option, **variables)
    assert listed.returncode == 0, listed.stderr
    assert backup.id in listed.stdout
    assert refused.returncode == 31
    assert f"{closed} cannot be reached: Connection refused.\nCheck the network" in refused.stderr


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ""),
        ({"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_S3": ""}, "http://a"),
        ({"AWS_ENDPOINT_URL": "http://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, ""),
    ],
)
def test_variables_of_the_server(variables: dict[str, str], expected: str) -> None:
    assert configured_endpoint(variables) == expected


@pytest.mark.parametrize("damage", ["flipped", "short", "empty", "missing", "manifest", "forged"])
def test_a_damaged_backup_is_refused(
    store: MemoryStore, path: Path, tmp_path: Path, damage: str
) -> None:
    backed_up(store, path, "orders")
    for key, data in list(store.objects.items()):
        if key.endswith(".zst") and damage in {"flipped", "short", "empty", "missing"}:
            flipped = data[:100] + bytes([data[100] ^ 1]) + data[101:]
            store.objects[key] = {"flipped": flipped, "short": data[:-1]}.get(damage, b"")
            if damage == "missing":
                del store.objects[key]
        elif damage == "manifest" and key.endswith(".json"):
            store.objects[key] = data.replace(b'"rows": 500', b'"rows": 501')
        elif damage == "forged" and key.endswith(".json"):
            store.objects[key] = _forged(data)
    folder, target = copied(store, tmp_path / "copy"), tmp_path / "new.db"
    assert restore(["restore", "orders", "--folder", str(folder), "--sqlite", str(target)]) == 40
    assert not target.exists()


def _forged(data: bytes) -> bytes:
    """Return a manifest with a valid hash and a default value that contains another statement."""
    from core.backup.manifest import _own_hash

    body = json.loads(data)
    body["schema"]["columns"][3]["default"] = "'open'); DROP TABLE users; --"
    body["sha256"] = _own_hash(body)
    return json.dumps(body).encode()


def test_a_backup_of_the_old_form_comes_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [
        {"id": 2, "price": 1.5, "tags": ["a"], "big": 2**70, "on": True},
        {"id": 1, "Price": None, "note": "é"},
    ]
    body = {"table_name": "old", "timestamp": "2025-01-02T03:04:05", "records": records}
    key = "backups/database/old/2025/01/02/2025-01-02T03:04:05.json.gz"
    store = MemoryStore()
    store.objects[key] = gzip.compress(json.dumps(body).encode())
    folder, target = copied(store, tmp_path / "copy"), tmp_path / "new.db"
    done = run_kit(tmp_path / "kit", "restore", "old", "--folder", folder, "--sqlite", target)
    assert done.returncode == 0, done.stderr
    found = sql(target, 'SELECT id, price, tags, big, "on", note FROM old')
    assert found == [(1, None, None, None, None, "é"), (2, 1.5, '["a"]', str(2**70), 1, None)]
    without_prefix = (folder / "backups/database").rename(tmp_path / "bare")
    assert restore(["list", "--folder", str(without_prefix)]) == 0
    assert "\told\t" in capsys.readouterr().out
    assert restore(["list", "--folder", str(folder)]) == 20
    assert restore(["check", "new", "--folder", str(without_prefix)]) == 20


def test_without_zstd_the_remedy_is_named(store: MemoryStore, path: Path, tmp_path: Path) -> None:
    backed_up(store, path, "users")
    folder = copied(store, tmp_path / "copy")
    done = run_kit(tmp_path / "kit", "check", "users", "--folder", folder, PATH=str(tmp_path))
    assert done.returncode == 25
    assert "Install the program zstd" in done.stderr


def test_the_script_is_for_python_3_9_and_its_names_are_unique() -> None:
    tree = ast.parse(recovery_kit.script_text(), feature_version=(3, 9))
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    names += [ast.unparse(target) for node in tree.body if isinstance(node, ast.Assign)
              for target in node.targets]  # fmt: skip
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert "core." not in {ast.unparse(node)[:10] for node in ast.walk(tree)
                           if isinstance(node, ast.Import | ast.ImportFrom)}  # fmt: skip
    sections = {path.name for path in (files(recovery_kit) / "script").iterdir()}
    written = {f"{name}.py" for name in recovery_kit._SECTIONS}
    assert {name for name in sections if name.endswith(".py")} == written | {"__init__.py"}


def test_requests_are_signed_as_botocore_signs_them() -> None:
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    keys = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "s/+",
            "AWS_SESSION_TOKEN": "a token"}  # fmt: skip
    bucket = Bucket("b.x", "https://s3.example:8443/base/", "eu-central-1", keys)
    query = {"list-type": "2", "prefix": "backups/a b+~é&=", "continuation-token": "1/+="}
    for path, given in (("/base/b.x", query), ("/base/b.x/o%22d%20d/%C3%A9%2B~.json", {})):
        mine = bucket._signed(path, given)
        moment = str(mine.get_header("X-amz-date"))
        theirs = AWSRequest("GET", mine.full_url)
        theirs.context["timestamp"] = moment
        theirs.headers["X-Amz-Date"] = moment
        theirs.headers["X-Amz-Security-Token"] = keys["AWS_SESSION_TOKEN"]
        theirs.headers["X-Amz-Content-SHA256"] = mine.get_header("X-amz-content-sha256")
        signer = S3SigV4Auth(Credentials(*keys.values()), "s3", "eu-central-1")
        text = signer.string_to_sign(theirs, signer.canonical_request(theirs))
        authorization = str(mine.get_header("Authorization"))
        assert authorization.endswith(f"Signature={signer.signature(text, theirs)}")


#: Texts that are no single expression, for every engine.
HOSTILE = (
    "1); DROP TABLE users; --", "1) --", "(1", "1)", "1 /* x */", "'a' ; SELECT 1", "1\n\\! id",
    "$$ x $$ ;", "'open", "1 -- x\n", "", " ",
)  # fmt: skip


@pytest.mark.parametrize("check", [fragment, mariadb_fragment, expression, default_value])
def test_fragments_with_another_statement_are_refused(check: Callable[[str], str]) -> None:
    for text in HOSTILE:
        with pytest.raises(KitError):
            check(text)


@pytest.mark.parametrize(
    "text",
    [
        "int CHECK (pg_sleep(9) IS NULL)",
        "int DEFAULT 1",
        "numeric(3) REFERENCES a",
        '"C" CHECK (f())',
        "int, b int",
    ],
)
def test_types_and_collations_with_a_clause_are_refused(text: str) -> None:
    for check in (type_name, collation_name):
        with pytest.raises(KitError):
            check(text)
    assert type_name('a."b"(1,2)[]') == 'a."b"(1,2)[]'
    assert type_name("timestamp(3) with time zone") == "timestamp(3) with time zone"
    assert collation_name('pg_catalog."C"') == 'pg_catalog."C"'


def test_fragments_that_servers_write_are_accepted() -> None:
    for text in (r"'a\b;'''::text", r"E'it\'s'::text", "ARRAY['a'::text, NULL]", "(a <> ';')"):
        assert fragment(text) == text
    with pytest.raises(KitError):
        fragment(r"'a\' \! id '")
    for text in (r"'a\'; b'", "decimal(10,2) unsigned", "concat(`a;`,'x')", "x'00ff'"):
        assert mariadb_fragment(text) == text


def test_the_command_writes_the_kit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recovery-kit", str(tmp_path / "kit"), "--json"]) == 0
    written = json.loads(capsys.readouterr().out)
    assert Path(written["script"]).read_text().startswith("#!/usr/bin/env python3\n")
    assert "Strongroom 0." in Path(written["page"]).read_text()
    assert main(["recovery-kit", str(tmp_path / "kit")]) == 22


def test_a_backup_of_some_rows_is_listed_as_such_and_restored(
    store: MemoryStore, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_database(str(path)) as source:
        selection = Selection(("orders",), {"orders": "id <= 7"})
        backup = back_up(store, source, selection, "", Work()).backups[0]
    folder, target = str(copied(store, tmp_path / "copy")), str(tmp_path / "new.db")
    assert restore(["list", "--folder", folder]) == 0
    assert "7 rows, SQLite" in (listed := capsys.readouterr().out)
    assert "only rows where id <= 7" in listed
    arguments = ["restore", "orders", "--folder", folder, "--sqlite", target]
    assert restore(arguments) == NOT_FOUND
    assert "with all of its rows" in capsys.readouterr().err
    assert restore([*arguments, "--id", backup.id]) == 0
    assert sql(Path(target), "SELECT count(*) FROM orders") == [(7,)]
