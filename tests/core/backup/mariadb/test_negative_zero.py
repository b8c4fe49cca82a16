"""A double of -0 is restored as 0 into engines that do not store it."""

from __future__ import annotations

import pytest
from helpers.backups import MemoryStore

from core.backup.preview import preview_of
from core.backup.restore import BY_CONVERSION
from core.work import Work
from tests.core.backup.mariadb.conftest import Place
from tests.core.backup.mariadb.test_conversion import _backed_up, _restored


@pytest.mark.parametrize("target", ["SQLite", "MariaDB"])
def test_negative_zero_becomes_zero_and_is_named(
    store: MemoryStore,
    places: dict[str, Place],
    target: str,
) -> None:
    run = places["PostgreSQL"].run
    run("CREATE TABLE t (id int PRIMARY KEY, r float4, d float8)")
    run("INSERT INTO t VALUES (1, '-0', '-0'), (2, 0, 0), (3, -1.5, 1e300), (4, NULL, NULL)")
    backup = _backed_up(store, places["PostgreSQL"])
    assert _restored(store, backup, places[target]).verified == BY_CONVERSION
    shown = preview_of(store, backup, places[target].address, 10, Work())
    assert (shown.difference.added, shown.difference.changed, shown.difference.removed) == (0, 0, 0)
    assert any(
        "r (real), d (double precision)" in t and "-0 becomes 0" in t for t in shown.problems
    )
    found = [tuple(row) for row in places[target].run("SELECT r, d FROM t ORDER BY id")]
    assert found == [(0, 0), (0, 0), (-1.5, 1e300), (None, None)]
    # The same rows again are no difference.
    assert _restored(store, backup, places[target]).verified == BY_CONVERSION
