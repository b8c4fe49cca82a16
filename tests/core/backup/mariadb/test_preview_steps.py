"""The preview of a restore reports each of its steps, on every engine."""

import pytest
from helpers.backups import MemoryStore

from core.backup.databases import open_database
from core.backup.preview import preview_of
from core.backup.run import back_up
from core.work import Progress, Work
from tests.core.backup.mariadb.conftest import Place


@pytest.mark.parametrize("engine", ["SQLite", "PostgreSQL", "MariaDB"])
def test_the_comparison_of_the_rows_is_a_step(
    store: MemoryStore, places: dict[str, Place], engine: str
) -> None:
    """It had none, and takes most of the time for a large table."""
    place = places[engine]
    place.run("CREATE TABLE t (id integer PRIMARY KEY, v integer)")
    place.run("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)")
    with open_database(place.address) as source:
        (backup,) = back_up(store, source, ["t"], "", Work()).backups
    place.run("DELETE FROM t WHERE id = 2")
    reports: list[Progress] = []
    found = preview_of(store, backup, place.address, 5, Work(report=reports.append))
    assert found.difference.added == 1
    assert list(dict.fromkeys(each.note for each in reports))[-2:] == ["loading", "comparing"]
    assert {each.total for each in reports if each.note == "loading"} == {3}
    assert (reports[-1].done, reports[-1].total, reports[-1].unit) == (3, 3, "rows")
