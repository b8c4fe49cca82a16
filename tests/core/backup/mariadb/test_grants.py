"""The grants on a table of MariaDB are recorded, and granted to a new table on request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from helpers.backups import MemoryStore

from core.backup.listing import backups_in
from core.backup.manifest import from_bytes, to_bytes
from core.backup.preview import preview_of
from core.errors import AccessDenied, Corrupt
from core.model.backup import Backup
from core.work import Work
from tests.core.backup.mariadb.conftest import Trading

COLUMN = "a `price`: (in) on column"


@pytest.fixture
def people(trading: Trading) -> Iterator[tuple[str, str]]:
    """A user with a name that must be quoted, and a role."""
    user, role = f"us''er {uuid4().hex[:8]}", f"role_{uuid4().hex[:8]}"
    trading.sql(f"CREATE USER '{user}'@'10.0.0.%'", f"CREATE ROLE {role}")
    yield f"'{user}'@'10.0.0.%'", f"'{role}'"
    trading.sql(f"DROP USER '{user}'@'10.0.0.%'", f"DROP ROLE {role}")


@pytest.fixture
def granted(people: tuple[str, str], trading: Trading) -> Iterator[tuple[Trading, set[str]]]:
    """A table on which both have privileges, and the recorded form of these."""
    user, role = people
    column = COLUMN.replace("`", "``")
    trading.sql(
        "GRANT SELECT ON mysql.* TO operator@'%'",
        f"GRANT ALL PRIVILEGES ON {trading.name}.* TO operator@'%' WITH GRANT OPTION",
        f"CREATE TABLE t (id int PRIMARY KEY, `{column}` int)",
        "INSERT INTO t VALUES (1, 2)",
        f"GRANT SELECT, INSERT ON t TO {user} WITH GRANT OPTION",
        f"GRANT UPDATE (`{column}`) ON t TO {user}",
        f"GRANT SELECT (id), UPDATE (id) ON t TO {role}",
        f"GRANT DELETE, CREATE VIEW ON t TO {role}",
    )
    expected = {
        f"{user}:INSERT*,SELECT*",
        f"{user}:UPDATE* on column {COLUMN}",  # as on the table
        f"{role}:SELECT,UPDATE on column id",
        f"{role}:CREATE VIEW,DELETE",
    }
    yield trading, expected
    trading.sql("REVOKE SELECT ON mysql.* FROM operator@'%'")


def test_grants_are_restored_on_request(
    granted: tuple[Trading, set[str]], store: MemoryStore
) -> None:
    trading, expected = granted
    backup = trading.backed_up(store, "t")
    assert sort_privileges(trading.schema("t").grants) == expected
    trading.sql("GRANT ALL ON t TO operator@'%'")
    trading.restored(store, backup)  # in place: all of them stay
    assert expected < sort_privileges(trading.schema("t").grants)
    report = trading.restored(store, backup, target="copy", with_grants=True)
    assert report.problems == ()
    assert sort_privileges(trading.schema("copy").grants) == expected
    trading.sql(f"REVOKE GRANT OPTION ON {trading.name}.* FROM operator@'%'")
    report = trading.restored(store, backup, target="refused", with_grants=True)
    assert len(report.problems) == 7
    assert report.problems[0].startswith("The grant of ")
    assert "GRANT command denied" in report.problems[0]
    report = trading.restored(store, backup, target="bare")
    assert trading.schema("bare").grants == ()
    missing = [each for each in report.dependants if each.kind == "grant"]
    assert len(missing) == len(expected)


def test_a_user_who_may_not_see_them_records_no_grant(
    granted: tuple[Trading, set[str]], store: MemoryStore
) -> None:
    trading, _expected = granted
    trading.sql("GRANT SELECT ON t TO reader@'%'")
    reader = replace(trading, user="reader")
    reader.backed_up(store, "t")
    assert reader.schema("t").grants == ("'reader'@'%':SELECT",)


def test_a_user_who_does_not_exist_is_reported_and_not_created(
    granted: tuple[Trading, set[str]], store: MemoryStore
) -> None:
    trading, _expected = granted
    name = f"gone'; DROP TABLE t; -- {uuid4().hex[:8]}".replace("'", "''")
    listed = forged(
        store, trading.backed_up(store, "t"), (f"'{name}'@'%':SELECT,UPDATE on column id",)
    )
    report = trading.restored(store, listed, target="copy", with_grants=True)
    assert len(report.problems) == 2
    assert "The grant of SELECT on column id to" in report.problems[0]
    assert trading.schema("copy").grants == ()
    found = trading.sql(f"SELECT count(*) FROM mysql.user WHERE user = '{name}'")
    assert found == ((0,),)


def test_only_the_grants_of_a_table_with_exactly_its_name_are_recorded(
    granted: tuple[Trading, set[str]], store: MemoryStore
) -> None:
    trading, expected = granted
    trading.sql("CREATE TABLE T (id int)", "GRANT INSERT ON T TO reader@'%'")
    assert sort_privileges(trading.schema("t").grants) == expected
    assert trading.schema("T").grants == ("'reader'@'%':INSERT",)


def test_a_user_does_not_get_the_grants_of_a_role_of_the_same_name(
    granted: tuple[Trading, set[str]], store: MemoryStore
) -> None:
    trading, _expected = granted
    listed = forged(store, trading.backed_up(store, "t"), ("'reader':SELECT",))
    report = trading.restored(store, listed, target="copy", with_grants=True)
    assert report.problems == (
        "The grant of SELECT to 'reader' is missing: this server has no such role.",
    )
    assert trading.schema("copy").grants == ()


INVALID = (
    "'reader'@'%':ALL PRIVILEGES",
    "'reader'@'%':SELECT on column id) ON mysql.user TO reader --",
    "'reader'@'%':SELECT ON mysql.* TO reader@'%' --",
    "'reader'@'%':DELETE on column id",
    "'reader'@'%':SELECT on partition t",
    "reader@'%' WITH GRANT OPTION:SELECT",
)


def test_a_grant_that_is_none_of_the_table_is_refused(
    granted: tuple[Trading, set[str]], store: MemoryStore
) -> None:
    trading, _expected = granted
    backup = trading.backed_up(store, "t")
    before = trading.everything()
    for grant in INVALID:
        listed = forged(store, backup, (grant,))
        with pytest.raises(Corrupt, match="invalid grant"):
            trading.restored(store, listed, with_grants=True)
    assert trading.everything() == before


def sort_privileges(grants: tuple[str, ...]) -> set[str]:
    """Return grants with their privileges in the order of their names."""
    found = set()
    for grant in grants:
        role, _, rest = grant.rpartition("':")
        privileges, on, place = rest.partition(" on ")
        found.add(f"{role}':{','.join(sorted(privileges.split(',')))}{on}{place}")
    return found


def forged(store: MemoryStore, backup: Backup, grants: tuple[str, ...]) -> Backup:
    found = from_bytes(store.objects[backup.key])
    store.objects[backup.key] = to_bytes(
        replace(found, schema=replace(found.schema, grants=grants))
    )
    (listed,) = backups_in(store, "t", Work())
    return listed


def test_a_trigger_of_another_definer_is_named_before_it_prevents_a_restore(
    trading: Trading, store: MemoryStore
) -> None:
    trading.sql(
        "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)",
        "CREATE DEFINER=`other user`@`10.0.0.%` TRIGGER noted BEFORE INSERT ON t FOR EACH ROW "
        "SET NEW.id = 2",
        "CREATE USER plain@'%' IDENTIFIED BY 's3cret-of-the-test'",
        f"GRANT ALL ON `{trading.name}`.* TO plain@'%'",
    )  # fmt: skip
    try:
        backup = trading.backed_up(store, "t")
        assert not _problems(trading, store, backup, "noted")
        plain = replace(trading, user="plain")
        (problem,) = _problems(plain, store, backup, "noted")
        found = preview_of(store, backup, plain.address, 5, Work()).dependants
        assert [each.name for each in found if each.blocks] == ["noted"]
        before = trading.everything()
        with pytest.raises(AccessDenied) as refused:
            plain.restored(store, backup)
        assert trading.everything() == before
        for named in (
            "The trigger noted cannot be created for the restored table in 127.0.0.1",
            "Its definer is other user@10.0.0.%.", "Grant the user the privilege SET USER",
        ):  # fmt: skip
            assert named in problem
            assert named in str(refused.value)
        assert trading.restored(store, backup).rows == 1
    finally:
        trading.sql("DROP USER plain@'%'")


def test_the_definer_is_no_reason_if_another_privilege_is_missing(
    trading: Trading, store: MemoryStore
) -> None:
    trading.sql(
        "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)",
        "CREATE DEFINER=plain@`%` TRIGGER noted BEFORE INSERT ON t FOR EACH ROW SET NEW.id = 2",
        "CREATE USER plain@'%' IDENTIFIED BY 's3cret-of-the-test'",
        f"GRANT SELECT, INSERT, CREATE, DROP, ALTER, INDEX, LOCK TABLES, CREATE VIEW, SHOW VIEW, "
        f"REFERENCES ON `{trading.name}`.* TO plain@'%'",
    )  # fmt: skip
    try:
        backup = trading.backed_up(store, "t")
        trading.sql("DROP TABLE t")
        with pytest.raises(AccessDenied) as refused:
            replace(trading, user="plain").restored(store, backup, with_triggers=True)
        assert "TRIGGER command denied" in str(refused.value)
        assert "definer" not in str(refused.value)
    finally:
        trading.sql("DROP USER plain@'%'")


def _problems(trading: Trading, store: MemoryStore, backup: Backup, trigger: str) -> list[str]:
    seen = preview_of(store, backup, trading.address, 5, Work())
    return [one.problem for one in seen.dependants if one.name == trigger]
