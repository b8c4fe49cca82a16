"""Faults happen while a table of each engine is backed up or restored.

`make tables` runs more rounds and prints them.
"""

import os
import random
from contextlib import ExitStack

import pytest
from helpers.databases import postgresql_server, running_mariadb  # noqa: F401 - fixture
from servers.tables.faults import run_rounds, wrong
from servers.tables.sites import Site, SQLiteSite, mariadb_site, postgresql_site

SEED = int(os.environ.get("TABLE_FAULTS_SEED") or random.SystemRandom().randrange(10**6))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"])
def test_a_fault_leaves_the_target_and_the_list_true(engine, request, tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    with ExitStack() as stack:
        if engine == "sqlite":
            site: Site = SQLiteSite(tmp_path)
        elif engine == "postgresql":
            site = stack.enter_context(
                postgresql_site(request.getfixturevalue("postgresql_server"))
            )
        else:
            # A separate server: it is killed, and other tests use the common one.
            site = stack.enter_context(mariadb_site(stack.enter_context(running_mariadb())))
        # A start of a server after a kill takes long: each run takes another part.
        found = run_rounds(site, tmp_path, 1, SEED, part=1 if engine == "sqlite" else 3)
    assert not wrong(found), f"TABLE_FAULTS_SEED={SEED}"
    assert len(found) == (18 if engine == "sqlite" else 7)
