"""The recovery kit restores tables of a real PostgreSQL server with psql."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from helpers.backups import MemoryStore
from helpers.postgresql_tables import Database
from helpers.recovery import LONG_MB, copied, kit_peak, run_kit

from core.backup.recovery_kit.script.program import main as restore

pytestmark = pytest.mark.skipif(
    not (shutil.which("zstd") and shutil.which("psql")), reason="zstd or psql is not installed"
)

ODD = (
    "CREATE TYPE mood AS ENUM ('it''s', E'back\\\\slash')",
    "CREATE DOMAIN amount AS numeric CHECK (VALUE <> -1)",
    'CREATE SCHEMA "an\'a"',
    """CREATE TABLE "an'a"."o""dd table" (
        id serial PRIMARY KEY, "select" text DEFAULT E'a\\\\b;''' COLLATE "C", m public.mood[],
        a public.amount, b bytea, t timestamptz, j jsonb, f float8, d numeric,
        CONSTRAINT "c 1" CHECK ("select" <> '--') NOT VALID)""",
    """INSERT INTO "an'a"."o""dd table" ("select", m, a, b, t, j, f, d) VALUES
        (E'line\\nbreak "q" \\\\ , \\u20ac', ARRAY[E'back\\\\slash', NULL]::mood[], 1e100, '\\x00ff',
         'infinity', '{"a": "\\\\u0041"}', '-0', 'NaN'),
        (NULL, '{}', NULL, '', '2001-02-03 04:05:06.7+13', 'null', 5e-324, 1.10), ('', NULL, 0,
         NULL, '4714-11-24 BC', '[]', 'NaN', -0.0)""",
)


def _psql(database: Database, tmp_path: Path) -> tuple[str, dict[str, str]]:
    """Return options for psql, and an environment that names a file with the password."""
    password = database.password.replace("\\", "\\\\").replace(":", "\\:")
    file = tmp_path / "pgpass"
    file.write_text(f"127.0.0.1:{database.server.port}:*:{database.user}:{password}\n")
    file.chmod(0o600)
    port = database.server.port
    options = f"-w -h 127.0.0.1 -p {port} -U {database.user} -d {database.name}"
    return options, {"PGPASSFILE": str(file)}


def test_long_values_need_no_memory(database: Database, store: MemoryStore, tmp_path: Path) -> None:
    size = LONG_MB << 20
    database.script(
        "CREATE TABLE t (id int PRIMARY KEY, b bytea, v text)",
        f"INSERT INTO t VALUES (1, decode(repeat('00ff27', {size} / 3), 'hex'), ''), "
        f"(2, NULL, repeat(E'a\"\\n,\\\\é€😀', {size} / 14)), (3, '', NULL)",
    )
    database.back_up(store, "t")
    folder, (options, environment) = copied(store, tmp_path / "copy"), _psql(database, tmp_path)
    place = ("--folder", folder, "--output", tmp_path / "out")
    run = ("restore", "t", "--as", "new", *place)
    assert kit_peak(tmp_path / "kit", *run) < 60
    shutil.rmtree(tmp_path / "out")
    done = run_kit(tmp_path / "kit", *run, f"--psql={options}", **environment)
    assert (done.returncode, done.stderr) == (0, "")
    hashes = "SELECT id, md5(b), md5(v) FROM {} ORDER BY id"
    assert database.run(hashes.format("new")) == database.run(hashes.format("t"))


def test_tables_come_back_exactly(orders: Database, store: MemoryStore, tmp_path: Path) -> None:
    orders.script(*ODD, "GRANT SELECT (id) ON orders TO PUBLIC")
    odd = 'an\'a."o""dd table"'
    orders.back_up(store, "orders", odd)
    folder, (options, environment) = copied(store, tmp_path / "copy"), _psql(orders, tmp_path)
    sql = '"an\'a"."o""dd table"'
    before = {name: orders.content(name) for name in ("public.orders", sql)}
    kinds = (
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated "
    )
    kinds += "FROM pg_attribute WHERE attrelid = '{}'::regclass AND attnum > 0 ORDER BY attnum"
    columns = {name: orders.run(kinds.format(name.replace("'", "''"))) for name in before}

    def restored(table: str, *more: str) -> int:
        place = ("--folder", folder, "--output", tmp_path / f"out{len(more)}", f"--psql={options}")
        done = run_kit(tmp_path / "kit", "restore", table, *place, *more, **environment)
        return done.returncode

    assert restored("orders", "--as=again") == 0
    assert orders.content("public.again") == before["public.orders"]
    assert restored("orders") == 43  # the table exists
    assert orders.content("public.orders") == before["public.orders"]
    orders.script("DROP TABLE orders CASCADE", f"DROP TABLE {sql}")
    assert restored("orders") == 0
    assert restored(odd) == 0
    for name, content in before.items():
        assert orders.content(name) == content
        assert orders.run(kinds.format(name.replace("'", "''"))) == columns[name]
    added = orders.run("INSERT INTO orders (user_id) VALUES (1) RETURNING id")
    assert added == [[501]]
    names = sorted(path.name for path in (tmp_path / "out0").iterdir())
    assert names[-4:] == [
        "orders.csv",
        "orders.definition.txt",
        "orders.foreign-keys.sql",
        "orders.sql",
    ]
    definition = (tmp_path / "out0" / "orders.definition.txt").read_text()
    assert f'-- Owner: "{orders.user}"\n-- Grant: "PUBLIC:SELECT on column id"\n' in definition


def test_the_written_script_runs_alone(
    orders: Database, store: MemoryStore, tmp_path: Path
) -> None:
    orders.back_up(store, "orders")
    before = orders.content("orders")
    options, environment = _psql(orders, tmp_path)
    folder, kit = copied(store, tmp_path / "copy"), tmp_path / "kit"
    arguments = ["restore", "orders", "--folder", str(folder), "--output", str(kit)]
    assert restore(arguments) == 0
    orders.run("DROP TABLE orders CASCADE")
    done = subprocess.run(
        ["psql", *shlex.split(options), "-X", "-q", "-f", "orders.sql"],
        cwd=kit, env={**os.environ, **environment}, capture_output=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert orders.content("orders") == before
    assert restore(arguments) == 22
    assert restore([*arguments, "--sqlite", str(kit / "new.db")]) == 2


def test_defaults_of_sequences_and_schemas_of_partitions(
    database: Database, store: MemoryStore, tmp_path: Path
) -> None:
    database.script(
        "CREATE SCHEMA archive",
        "CREATE TABLE t (id serial, code text, plain int, day int) PARTITION BY RANGE (day)",
        "CREATE TABLE archive.t1 PARTITION OF t FOR VALUES FROM (0) TO (5) PARTITION BY LIST (day)",
        "CREATE TABLE archive.t2 PARTITION OF archive.t1 DEFAULT",
        "CREATE TABLE t3 PARTITION OF t DEFAULT",
        'CREATE SEQUENCE "o\'dd" OWNED BY t.code',
        "ALTER TABLE t ALTER code SET DEFAULT 'C' || nextval('\"o''dd\"')",
        "CREATE SEQUENCE unused OWNED BY t.plain",
        "ALTER TABLE t ADD other text DEFAULT 'o' || currval('t_id_seq')",
        "INSERT INTO t (day) VALUES (1), (9)",
    )
    database.back_up(store, "t")
    defaults = (
        "SELECT attname::text, pg_get_expr(adbin, adrelid) FROM pg_attribute JOIN pg_attrdef "
        "ON adrelid = attrelid AND adnum = attnum WHERE attrelid = '{}'::regclass ORDER BY 1"
    )
    before, rows = database.run(defaults.format("t")), database.content("t")
    folder, (options, environment) = copied(store, tmp_path / "copy"), _psql(database, tmp_path)

    def restored(*more: str) -> None:
        place = ("--folder", folder, "--output", tmp_path / f"out{len(more)}", f"--psql={options}")
        done = run_kit(tmp_path / "kit", "restore", "t", *place, *more, **environment)
        assert done.returncode == 0, done.stderr

    restored("--as=copied")
    assert [name for name, _ in database.run(defaults.format("copied"))] == ["code", "id", "other"]
    assert database.run("INSERT INTO copied (day) VALUES (1) RETURNING id, code, other") == [
        [3, "C3", "o3"]
    ]
    assert database.run("INSERT INTO t (day) VALUES (1) RETURNING id, code, other") == [
        [3, "C3", "o3"]
    ]
    database.script("DROP TABLE copied, t", "DROP SCHEMA archive")
    restored()
    assert database.run(defaults.format("t")) == before
    assert database.content("t") == rows
    assert database.content("archive.t2") == rows[:1]
    assert database.run("INSERT INTO t (day) VALUES (1) RETURNING id, code, other") == [
        [3, "C3", "o3"]
    ]
