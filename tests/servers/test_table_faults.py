"""Each fault happens once while a table of each engine is backed up or restored.

`make tables` runs more rounds and prints them.
"""

import os
import random

import pytest
from helpers.databases import mariadb_server, postgresql_server  # noqa: F401 - fixtures
from servers.tables.faults import run_rounds, wrong
from servers.tables.sites import SQLiteSite, mariadb_site, postgresql_site

SEED = int(os.environ.get("TABLE_FAULTS_SEED") or random.SystemRandom().randrange(10**6))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"])
def test_a_fault_leaves_the_target_and_the_list_true(engine, request, tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    if engine == "sqlite":
        found = run_rounds(SQLiteSite(tmp_path), tmp_path, 1, SEED)
    else:
        opened = {"postgresql": postgresql_site, "mariadb": mariadb_site}[engine]
        with opened(request.getfixturevalue(f"{engine}_server")) as site:
            found = run_rounds(site, tmp_path, 1, SEED)
    assert not wrong(found), f"TABLE_FAULTS_SEED={SEED}"
    assert len(found) == (14 if engine == "sqlite" else 18)
