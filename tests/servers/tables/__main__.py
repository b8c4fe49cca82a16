"""The faults of `make tables`: rounds for each engine, and a table of how each of them ended."""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from helpers.databases import running_mariadb, running_postgresql
from servers.tables.faults import Outcomes, run_rounds, wrong
from servers.tables.sites import Site, SQLiteSite, mariadb_site, postgresql_site

from core.local.state.database import close_databases


def _print(engine: str, found: dict[str, Outcomes], seconds: float) -> None:
    total = sum(outcomes.counts.total() for outcomes in found.values())
    good = total - sum(outcomes.wrong for outcomes in found.values())
    print(
        f"\n{engine}: {good} of {total} rounds leave the target and the list true, {seconds:.0f} s"
    )
    for name, outcomes in found.items():
        print(f"  {name:36} {outcomes}", flush=True)


def main() -> int:
    """Run the rounds of each engine; return 1 if one left something wrong."""
    parser = argparse.ArgumentParser(prog="make tables", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="rounds of each fault and engine")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--engine", action="append", choices=("SQLite", "PostgreSQL", "MariaDB"))
    options = parser.parse_args()
    print(f"--seed {options.seed} repeats the steps", flush=True)
    failed = False
    for engine in options.engine or ("SQLite", "PostgreSQL", "MariaDB"):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="strongroom-tables-")))
            os.environ["STRONGROOM_HOME"] = str(folder / "home")
            began, site = time.monotonic(), _site(engine, folder, stack)
            found = run_rounds(site, folder, options.rounds, options.seed)
            _print(engine, found, time.monotonic() - began)
            failed = failed or bool(wrong(found))
            close_databases()
    return int(failed)


def _site(engine: str, folder: Path, stack: ExitStack) -> Site:
    if engine == "PostgreSQL":
        server = stack.enter_context(running_postgresql(log_statement="none"))
        return stack.enter_context(postgresql_site(server))
    if engine == "MariaDB":
        server = stack.enter_context(running_mariadb(log_statements=False))
        return stack.enter_context(mariadb_site(server))
    return SQLiteSite(folder)


if __name__ == "__main__":
    sys.exit(main())
