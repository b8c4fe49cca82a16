"""`make bench`: one line a figure; exit code 1 when any falls short of what was promised."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

from tests.benchmarks import (
    backup_heartbeat,
    blobs,
    calendars,
    catalog,
    charts,
    collecting,
    comparisons,
    dump,
    folders,
    growth,
    links,
    listing,
    mariadb_backup,
    page_checks,
    postgresql_dump,
    preview_heartbeat,
    preview_tables,
    previews,
    queries,
    state,
    transfers_large,
    transfers_small,
    transfers_workloads,
    window,
)
from tests.benchmarks.figures import Figure

BENCHMARKS: tuple[tuple[str, Callable[[], Iterator[Figure]]], ...] = (
    ("listing", listing.figures),
    ("listing-latency", listing.with_latency),
    ("listing-flat", listing.flat),
    ("growth-listing", listing.growth),
    ("page-checks", page_checks.figures),
    ("dump", dump.figures),
    ("postgresql", postgresql_dump.figures),
    ("mariadb-backup", mariadb_backup.figures),
    ("growth-sqlite", growth.sqlite),
    ("long-values-sqlite", growth.sqlite_long),
    ("growth-postgresql", growth.postgresql),
    ("growth-mariadb", growth.mariadb),
    ("query", queries.figures),
    ("compare", comparisons.figures),
    ("blobs", blobs.figures),
    ("transfers-small", transfers_small.figures),
    ("transfers-small-latency", transfers_small.with_latency),
    ("transfers-small-seaweed", transfers_small.on_seaweed),
    ("transfers-large", transfers_large.figures),
    ("transfers-large-latency", transfers_large.with_latency),
    ("transfers-large-seaweed", transfers_large.on_seaweed),
    ("transfers-workloads", transfers_workloads.figures),
    ("links", links.figures),
    ("catalog-search", catalog.figures),
    ("growth-catalog", catalog.growth),
    ("coverage", calendars.figures),
    ("collect", collecting.figures),
    ("folder-table", folders.figures),
    ("json-preview", previews.figures),
    ("preview-table", preview_tables.figures),
    ("preview-pauses", preview_heartbeat.figures),
    ("chart", charts.figures),
    ("state", state.figures),
    ("heartbeat", window.heartbeats),
    ("backup-heartbeat", backup_heartbeat.figures),
    ("first-paint", window.paints),
)
#: Benchmarks that take minutes: they run only if they are named.
ON_DEMAND = (
    "growth-listing",
    "growth-sqlite",
    "long-values-sqlite",
    "growth-postgresql",
    "growth-mariadb",
    "growth-catalog",
)


def main(wanted: list[str]) -> int:
    """Run the benchmarks named, or all of them except those on demand."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    # An installed program has its byte code; otherwise each process would compile what was edited.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    names = [name for name, _ in BENCHMARKS]
    unknown = [name for name in wanted if name not in names]
    if unknown:
        sys.stderr.write(f"there is no benchmark {', '.join(unknown)}; there are {names}\n")
        return 2
    short = 0
    wanted = wanted or [name for name in names if name not in ON_DEMAND]
    for name, run in BENCHMARKS:
        for figure in run() if name in wanted else ():
            print(figure, flush=True)  # noqa: T201 - what the command is for
            short += not figure.good
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
