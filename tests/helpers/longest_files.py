"""The order of the test files: those that take longest run first.

Started last, one of them would run alone while the other workers have nothing left to do.
"""

from pathlib import Path

import pytest

#: Below `tests`, by their time (`make test PYTEST_ADDOPTS=--durations=60`), the longest first.
LONGEST_FILES = (
    "core/rotation/test_iam_killed.py",
    "core/rotation/test_database_rotation.py",
    "servers/test_table_faults.py",
    "e2e/test_pictures.py",
    "servers/test_kills.py",
    "servers/test_races.py",
    "core/backup/postgresql/test_generated.py",
    "core/backup/mariadb/test_generated.py",
    "core/backup/postgresql/test_failures.py",
    "core/backup/mariadb/test_swap.py",
    "faults/test_faults.py",
    "core/rotation/test_iam_faults.py",
    "servers/test_soak.py",
    "gui/uploads/test_uploads_tab.py",
    "gui/uploads/test_steering.py",
    "core/backup/test_through_faults.py",
    "servers/test_probe_kills.py",
    "gui/backups/test_backups_tab.py",
    "gui/backups/test_sources.py",
    "gui/browser/test_browse.py",
    "e2e/test_accessibility.py",
    "e2e/test_layouts.py",
    "e2e/test_every_key.py",
    "e2e/test_day_of_use.py",
    "servers/test_other_tools.py",
    "servers/test_library.py",
    "conventions/test_leaks.py",
    "e2e/test_browser.py",
    "e2e/test_engine_killed.py",
    "e2e/test_first_start.py",
    "e2e/test_rotation.py",
    "core/cli/test_transfers.py",
    "core/aws/test_logs.py",
    "core/cli/test_interrupt.py",
    "faults/test_bad_answers.py",
    "gui/credentials/test_tab.py",
    "core/demo/test_server.py",
)
_TESTS = Path(__file__).parents[1]
_ORDER = {_TESTS / name: number for number, name in enumerate(LONGEST_FILES)}


def sort_by_file(items: list[pytest.Item]) -> None:
    """Move the tests of the longest files to the front; the others stay in their order."""
    items.sort(key=lambda item: _ORDER.get(item.path, len(_ORDER)))
