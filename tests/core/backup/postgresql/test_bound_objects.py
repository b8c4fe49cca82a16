"""Objects that are bound to a PostgreSQL table are moved to the restored one, or reported."""

from __future__ import annotations

import pytest
from helpers.backups import MemoryStore
from helpers.databases import Server
from helpers.postgresql_tables import Database, new_database

from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.databases.postgresql.address import ServerAddress
from core.backup.databases.postgresql.names import checked_fragment, with_suffix
from core.backup.preview import preview_of
from core.errors import Conflict, Corrupt, DatabaseError, InvalidInput, NotSupported
from core.work import Work

#: A table with every property that is bound to it besides its schema.
BOUND = (
    "CREATE TABLE u (id int PRIMARY KEY)",
    "INSERT INTO u VALUES (1)",
    """CREATE TABLE t (id serial PRIMARY KEY, a int UNIQUE NULLS NOT DISTINCT, p text,
        u int REFERENCES u ON DELETE SET NULL DEFERRABLE, code text)""",
    "CREATE SEQUENCE t_code_seq OWNED BY t.code",
    "ALTER TABLE t ALTER code SET DEFAULT 'C' || nextval('t_code_seq')",
    "INSERT INTO t (a, u) VALUES (1, 1), (2, 1)",
    """ALTER TABLE t ALTER p SET STORAGE EXTERNAL, ALTER p SET COMPRESSION pglz,
        ALTER a SET STATISTICS 77, ALTER a SET (n_distinct = 5)""",
    "CREATE INDEX t_p ON t (lower(p)) WHERE a > 0",
    "ALTER TABLE t CLUSTER ON t_pkey",
    "CREATE STATISTICS t_statistics ON a, p FROM t",
    "ALTER TABLE t REPLICA IDENTITY FULL",
    "CREATE RULE protected AS ON DELETE TO t WHERE old.id = 99 DO INSTEAD NOTHING",
    "CREATE POLICY few ON t FOR SELECT TO pg_monitor USING (a > 0)",
    "GRANT SELECT ON t TO pg_monitor WITH GRANT OPTION",
    "GRANT UPDATE (a) ON t TO pg_monitor WITH GRANT OPTION",
    "GRANT USAGE ON SEQUENCE t_id_seq TO pg_monitor",
    "COMMENT ON CONSTRAINT t_pkey ON t IS 'the key'",
    "COMMENT ON INDEX t_p IS 'the index'",
    "CREATE VIEW v WITH (security_barrier) AS SELECT id, p FROM t",
    "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC",
    "ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC",
)
#: Everything of BOUND as the catalogs show it, except the names of former objects.
CATALOG = """
SELECT c.relname::text, coalesce(c.relacl, acldefault(
    CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, c.relowner))::text,
  c.relreplident::text, c.relforcerowsecurity,
  ARRAY(SELECT a.attname || coalesce(a.attacl::text, '') || a.attstorage::text || a.attcompression::text
    || a.attstattarget::text || coalesce(a.attoptions::text, '') || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = c.oid AND a.attnum > 0 ORDER BY a.attnum),
  ARRAY(SELECT pg_get_ruledef(r.oid) FROM pg_rewrite r WHERE r.ev_class = c.oid),
  ARRAY(SELECT polname || pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = c.oid),
  ARRAY(SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxrelid = c.oid),
  ARRAY(SELECT pg_get_indexdef(indexrelid) || indisclustered::text || coalesce(obj_description(indexrelid), '')
    FROM pg_index WHERE indrelid = c.oid ORDER BY 1),
  ARRAY(SELECT conname || pg_get_constraintdef(oid) || convalidated::text || coalesce(obj_description(oid), '')
    FROM pg_constraint WHERE conrelid = c.oid ORDER BY 1)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relname IN ('t', 'v', 't_id_seq', 't_code_seq') ORDER BY 1
"""


def test_all_properties_of_the_table_move_to_the_restored_one(
    database: Database, store: MemoryStore
) -> None:
    database.script(*BOUND)
    backup = database.back_up(store, "t")
    database.script("ALTER TABLE t FORCE ROW LEVEL SECURITY")
    before = database.run(CATALOG)
    report = database.restore(store, backup)
    assert database.run(CATALOG) == before
    assert not report.problems
    with open_database(database.address, write=True) as opened, opened.change(work=Work()):
        opened.undo(report.kept)
    assert database.run(CATALOG) == before
    assert len(database.run("SELECT FROM pg_statistic_ext")) == 1


def test_a_new_table_reports_what_it_does_not_get(
    database: Database, store: MemoryStore, postgresql_server: Server
) -> None:
    database.script(*BOUND, "ALTER TABLE t ENABLE ROW LEVEL SECURITY")
    backup = database.back_up(store, "t")
    with new_database(postgresql_server) as other:
        shown = [str(one) for one in preview_of(store, backup, other.address, 5, Work()).dependants]
        report = other.restore(store, backup)
        assert other.run("INSERT INTO t (a) VALUES (9) RETURNING id, code") == [[3, "C3"]]
    for text in (
        "there is no table u",
        "row level security",
        "extended statistics",
        "rules",
        "grant pg_monitor",
        f"owner {database.user}",
    ):
        assert any(text in problem for problem in report.problems), text
        assert any(text in dependant for dependant in shown), text
    copied = database.restore(store, backup, target="copied")
    assert not any("no table u" in problem for problem in copied.problems)
    assert database.run("INSERT INTO copied (a) VALUES (9) RETURNING id, code") == [[3, "C3"]]
    assert database.run("INSERT INTO t (a) VALUES (9) RETURNING id, code") == [[3, "C3"]]


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (
            "CREATE TABLE other (id int DEFAULT nextval('t_id_seq'))",
            "column id of table public.other",
        ),
        (
            "CREATE RULE uses AS ON INSERT TO u DO ALSO INSERT INTO t (a) VALUES (7)",
            "rule uses of u",
        ),
        ("CREATE FUNCTION f() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM t; END", "f()"),
    ],
)
def test_an_object_that_would_use_the_former_table_prevents_the_restore(
    database: Database, store: MemoryStore, statement: str, named: str
) -> None:
    database.script(*BOUND, statement)
    backup = database.back_up(store, "t")
    before = database.everything()
    with pytest.raises(NotSupported) as refused:
        database.restore(store, backup)
    assert named in refused.value.cause
    assert database.everything() == before


def test_a_view_of_a_newer_column_is_named(database: Database, store: MemoryStore) -> None:
    database.script("CREATE TABLE t (id int)")
    backup = database.back_up(store, "t")
    database.script("ALTER TABLE t ADD extra int", "CREATE VIEW everything AS SELECT * FROM t")
    (shown,) = preview_of(store, backup, database.address, 5, Work()).dependants
    assert "extra integer" in shown.problem
    before = database.everything()
    with pytest.raises(Conflict, match="The view everything cannot use"):
        database.restore(store, backup)
    assert database.everything() == before


def test_partitions_with_foreign_keys_are_restored_and_a_view_of_one_prevents_it(
    database: Database, store: MemoryStore
) -> None:
    database.script(
        "CREATE TABLE u (id int PRIMARY KEY)",
        "INSERT INTO u VALUES (1)",
        "CREATE TABLE p (id int, day int, u int REFERENCES u, PRIMARY KEY (id, day), "
        "CHECK (id > 0)) PARTITION BY RANGE (day)",
        "CREATE TABLE p1 PARTITION OF p DEFAULT",
        "CREATE TABLE c (id int, day int, FOREIGN KEY (id, day) REFERENCES p)",
        "INSERT INTO p VALUES (1, 1, 1)",
        "INSERT INTO c VALUES (1, 1)",
    )
    backup, parent = database.back_up(store, "p"), database.back_up(store, "u")
    first, second = database.restore(store, backup), database.restore(store, backup)
    assert not (*first.problems, *database.restore(store, parent).problems)
    assert database.run(
        "SELECT bool_and(convalidated) FROM pg_constraint WHERE conrelid = 'p'::regclass"
    )
    with open_database(database.address, write=True) as opened, opened.change(work=Work()):
        assert [opened.undo(each.kept).table for each in (second, first)] == ["p", "p"]
    assert database.content("p1") == ["(1,1,1)"]
    database.script("CREATE VIEW of_one AS SELECT * FROM p1")
    with pytest.raises(NotSupported) as refused:
        database.restore(store, backup)
    assert "of_one" in refused.value.cause


def test_long_names_that_differ_at_the_end_do_not_collide(
    database: Database, store: MemoryStore
) -> None:
    long = "x" * 57
    database.script(
        f"CREATE TABLE {long}_table (a int CONSTRAINT {long}_chk1 CHECK (a > 0), b int "
        f"CONSTRAINT {long}_chk2 CHECK (b > 0), s serial)",
        f"CREATE INDEX {long}_idx1 ON {long}_table (a)",
        f"CREATE INDEX {long}_idx2 ON {long}_table (b)",
    )
    before = database.everything()
    backup = database.back_up(store, f"{long}_table")
    first = database.restore(store, backup)
    second = database.restore(store, backup)
    with open_database(database.address, write=True) as opened, opened.change(work=Work()):
        opened.undo(second.kept)
        opened.undo(first.kept)
    assert database.everything() == before
    database.restore(store, backup, target="y" * 63)
    assert len(with_suffix(long, "_" + "é" * 40).encode()) <= 63


def test_a_key_with_a_long_name_does_not_get_the_name_of_the_former_table(
    database: Database, store: MemoryStore
) -> None:
    """The restore in place failed: the relation already existed."""
    long = "x" * 60
    database.script(f"CREATE TABLE {long} (id int PRIMARY KEY)")
    before = database.everything()
    report = database.restore(store, database.back_up(store, long))
    with open_database(database.address, write=True) as opened, opened.change(work=Work()):
        opened.undo(report.kept)
    assert database.everything() == before


def test_sequences_continue_at_their_next_value(database: Database, store: MemoryStore) -> None:
    database.script(
        "CREATE SEQUENCE s MINVALUE 5 START 7 INCREMENT 3",
        "CREATE TABLE t (id int DEFAULT nextval('s'), n int GENERATED ALWAYS AS IDENTITY "
        "(START -1 INCREMENT -2 MINVALUE -100 MAXVALUE -1))",
        "ALTER SEQUENCE s OWNED BY t.id",
        "SELECT setval('s', 5, false)",
    )
    database.restore(store, database.back_up(store, "t"))
    assert database.run("INSERT INTO t DEFAULT VALUES RETURNING id, n") == [[5, -1]]
    assert database.run("INSERT INTO t DEFAULT VALUES RETURNING id, n") == [[8, -3]]


def test_constraints_that_are_not_valid_remain_so(database: Database, store: MemoryStore) -> None:
    database.script(
        "CREATE TABLE u (id int PRIMARY KEY)",
        "CREATE TABLE o (u int)",
        "INSERT INTO o VALUES (9)",
        "ALTER TABLE o ADD CONSTRAINT k FOREIGN KEY (u) REFERENCES u NOT VALID",
        "ALTER TABLE o ADD CONSTRAINT c CHECK (u > 0) NOT VALID",
    )
    for table in ("o", "u"):
        database.restore(store, database.back_up(store, table))
    states = "SELECT convalidated FROM pg_constraint WHERE conrelid = 'o'::regclass"
    assert database.run(states) == [[False], [False]]


def test_an_undo_names_publications_that_only_the_restored_table_is_part_of(
    database: Database, store: MemoryStore
) -> None:
    database.script("CREATE TABLE o (a int)", "CREATE PUBLICATION former FOR TABLE o")
    report = database.restore(store, database.back_up(store, "o"))
    database.script(
        "CREATE PUBLICATION replica FOR TABLE o", "ALTER PUBLICATION former ADD TABLE o"
    )
    with open_database(database.address, write=True) as opened, opened.change(work=Work()):
        undone = opened.undo(report.kept)
    assert undone.problems == ("The table is not part of the publication replica any more.",)
    assert database.run("SELECT pubname::text FROM pg_publication_tables") == [["former"]]


def test_an_undo_skips_what_was_dropped_since(database: Database, store: MemoryStore) -> None:
    database.script(
        "CREATE TABLE u (id int PRIMARY KEY)",
        "INSERT INTO u VALUES (1)",
        "CREATE TABLE o (id serial PRIMARY KEY, u int REFERENCES u)",
        "CREATE INDEX o_u ON o (u)",
        "INSERT INTO o (u) VALUES (1)",
    )
    of_o, of_u = database.back_up(store, "o"), database.back_up(store, "u")
    database.script("INSERT INTO u VALUES (2)", "INSERT INTO o (u) VALUES (2)")
    report = database.restore(store, of_o)
    # The former table of orders refers to user 2, which is no conflict.
    assert not database.restore(store, of_u).problems
    suffix = report.kept.removeprefix("o")
    database.script(f'DROP INDEX "o_u{suffix}"', "DROP TABLE u CASCADE")
    with open_database(database.address, write=True) as opened, opened.change(work=Work()):
        assert opened.undo(report.kept).table == "o"
    assert len(database.content("o")) == 2


def test_writers_wait_from_the_start_of_a_restore_in_place(
    database: Database, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.backup.databases.postgresql import PostgreSQLDatabase

    database.script("CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)")
    backup = database.back_up(store, "t")
    original, refused = PostgreSQLDatabase.load, []

    def load(*arguments: object, **options: object) -> int:
        assert database.run("SELECT count(*) FROM t") == [[1]]  # readers do not wait
        with pytest.raises(Exception, match="could not obtain lock") as error:
            database.run("DO 'BEGIN LOCK TABLE t IN ROW EXCLUSIVE MODE NOWAIT; END'")
        refused.append(str(error.value))
        return original(*arguments, **options)  # type: ignore[arg-type] # those of `load`

    monkeypatch.setattr(PostgreSQLDatabase, "load", load)
    database.restore(store, backup)
    assert len(refused) == 1


def test_settings_of_the_database_do_not_change_values(
    database: Database, store: MemoryStore
) -> None:
    database.script(
        "CREATE TABLE t (a int[], b text DEFAULT E'a\\\\b''c' CHECK (b <> E'\\\\'), m money)",
        "INSERT INTO t VALUES ('{1,NULL}', DEFAULT, '$1,000.50')",
        "CREATE INDEX ON t (b)",
    )
    for setting in (
        "array_nulls = off",
        "quote_all_identifiers = on",
        "standard_conforming_strings = off",
        "transform_null_equals = on",
        "default_transaction_isolation = 'repeatable read'",
        "default_transaction_read_only = on",
    ):
        database.server.ask(f"ALTER DATABASE {database.name} SET {setting}")
    report = database.restore(store, database.back_up(store, "t"))
    assert report.verified == "verified (SHA-256 and server fingerprint)"
    assert database.run("SELECT a[2] IS NULL, b FROM t") == [[True, "a\\b'c"]]


def test_an_unreadable_table_does_not_end_the_list_of_a_snapshot(
    orders: Database, postgresql_server: Server
) -> None:
    postgresql_server.ask(f"ALTER ROLE {orders.user} SUPERUSER")
    orders.script("ALTER TABLE fills OWNER TO admin")
    postgresql_server.ask(f"ALTER ROLE {orders.user} NOSUPERUSER")
    with open_database(orders.address) as opened, opened.snapshot():
        rows = {table.name: (table.rows, table.problem) for table in opened.tables()}
        assert opened.schema("orders").table == "orders"
    assert rows["users"] == (3, "")
    assert rows["fills"][0] is None
    assert "lacks the permission SELECT" in rows["fills"][1]


def test_a_truncate_waits_for_the_backup(orders: Database) -> None:
    with open_database(orders.address) as opened, opened.snapshot():
        schema = opened.schema("orders")
        with pytest.raises(Exception, match="lock timeout"):
            orders.run("DO $$BEGIN SET LOCAL lock_timeout = '10ms'; TRUNCATE fills, orders; END$$")
        assert sum(count for count, _ in opened.dump(schema)) == 500


def test_tables_without_values_and_changed_keys(database: Database, store: MemoryStore) -> None:
    wide = ", ".join(f"c{number} bool" for number in range(900))
    database.script(
        "CREATE TABLE zero ()",
        f"CREATE TABLE wide ({wide}, PRIMARY KEY (c0))",
        "INSERT INTO wide VALUES (true)",
        "CREATE TABLE keyed (id int PRIMARY KEY, v text)",
        "INSERT INTO keyed VALUES (1, 'a')",
    )
    with pytest.raises(NotSupported, match="no columns with values"):
        database.back_up(store, "zero")
    of_wide, keyed = database.back_up(store, "wide"), database.back_up(store, "keyed")
    database.script("UPDATE wide SET c5 = true", "ALTER TABLE keyed ALTER id TYPE text")
    found = preview_of(store, of_wide, database.address, 5, Work()).difference
    assert (found.added, found.removed) == (1, 1)
    found = preview_of(store, keyed, database.address, 5, Work()).difference
    assert (found.added, found.changed, found.removed) == (0, 0, 0)


def test_addresses_of_sockets_and_of_ipv6(postgresql_server: Server) -> None:
    url = f"postgresql://admin@:{postgresql_server.port}/postgres?host={postgresql_server.folder}"
    with open_database(DatabaseAddress(url, None)) as opened:
        assert opened.name == f"{postgresql_server.folder}:{postgresql_server.port}/postgres"
    parsed = ServerAddress.parse("postgresql://u@[::1]:5433/db?connect_timeout=3")
    assert (str(parsed), parsed.timeout) == ("[::1]:5433/db", 3.0)
    with pytest.raises(InvalidInput, match="not a valid connect_timeout"):
        ServerAddress.parse("postgresql://u@h/db?connect_timeout=soon")


@pytest.mark.parametrize("text", ["E'a'\n'\\'' ); x; '", "'\\' ); x ('", "'a' /* */", "f(--\n)"])
def test_strings_are_read_as_the_server_reads_them(text: str) -> None:
    assert checked_fragment("'\\'::text || E'\\''", "default")
    with pytest.raises(Corrupt):
        checked_fragment(text, "default")


def test_an_error_in_the_data_does_not_show_the_value(database: Database) -> None:
    with open_database(database.address) as opened, pytest.raises(DatabaseError) as refused:
        opened._session.query("SELECT $1::text::int", ("private",))  # type: ignore[attr-defined] # of PostgreSQL
    assert refused.value.cause == "Invalid input syntax for type integer (22P02)."


def test_the_preview_marks_what_prevents_a_restore_in_place(
    orders: Database, store: MemoryStore
) -> None:
    backup = orders.back_up(store, "orders")
    orders.script("CREATE MATERIALIZED VIEW totals AS SELECT sum(price) FROM orders")
    found = preview_of(store, backup, orders.address, 5, Work()).dependants
    assert [each.name for each in found if each.blocks] == ["totals"]
    with pytest.raises(NotSupported, match="are bound to the present table orders"):
        orders.restore(store, backup)


def test_an_object_that_prevents_a_drop_is_named(orders: Database, store: MemoryStore) -> None:
    former = orders.restore(store, orders.back_up(store, "orders")).kept
    for number in range(5):
        orders.run(f'CREATE VIEW rich_{number} AS SELECT * FROM "{former}"')
    with (
        open_database(orders.address, write=True) as target,
        pytest.raises(DatabaseError) as refused,
        target.change(work=Work()),
    ):
        target.drop_former(former)
    assert "view public.rich_0 depends on table " in refused.value.cause
    assert "; and 2 more (2BP01)" in refused.value.cause
    assert refused.value.remedy == "Other objects use the table: drop or change them first."
