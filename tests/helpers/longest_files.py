"""The order of the test files, and which of them run in the same process.

Those that take longest run first: started last, one of them would run alone while the other workers
have nothing left to do. All that read the syntax trees of the repository run in one worker.
"""

from pathlib import Path

import pytest
from xdist.scheduler.loadfile import LoadFileScheduling

#: Below `tests`, by their time (`make test PYTEST_ADDOPTS=--durations=60`), the longest first.
LONGEST_FILES = (
    "core/rotation/test_iam_killed.py",
    "e2e/test_pictures.py",
    "e2e/test_every_key.py",
    "core/rotation/test_database_rotation.py",
    "e2e/test_accessibility.py",
    "e2e/test_layouts.py",
    "gui/browser/test_browse.py",
    "servers/test_kills.py",
    "gui/credentials/test_tab.py",
    "core/rotation/test_iam_faults.py",
    "core/backup/mariadb/test_swap.py",
    "core/backup/mariadb/test_generated.py",
    "gui/credentials/test_versions.py",
    "core/cli/test_transfers.py",
    "core/backup/mariadb/test_locks.py",
    "core/backup/postgresql/test_generated.py",
    "core/backup/test_restore_at_once.py",
    "servers/test_races.py",
    "faults/test_bad_answers.py",
    "gui/credentials/test_wizard.py",
    "servers/test_table_faults.py",
    "core/collect/test_ranged_folder.py",
    "faults/test_faults.py",
    "core/backup/test_absurd_figures.py",
    "core/aws/test_logs.py",
    "core/backup/test_through_faults.py",
    "core/transfer/test_other_object.py",
    "gui/credentials/test_creating.py",
    "core/backup/postgresql/test_failures.py",
    "core/cli/test_parameters.py",
    "core/backup/test_recovery_kit_memory.py",
    "core/backup/postgresql/test_long_values.py",
    "e2e/test_browser_rights.py",
    "gui/browser/test_copying.py",
    "core/cli/test_copies.py",
    "core/transfer/test_lost_moves.py",
    "gui/uploads/test_uploads_tab.py",
    "gui/browser/test_collect.py",
    "gui/test_dialog_themes.py",
    "gui/browser/test_object_actions.py",
    "core/demo/test_server.py",
    "gui/uploads/test_steering.py",
    "core/backup/postgresql/test_fingerprint.py",
)
#: Files below `tests` that parse every file of the program, which takes ten seconds: once for all.
WITH_SYNTAX_TREES = (
    "core/local/test_environment.py",
    "core/local/test_locking.py",
    "gui/test_operations.py",
    "gui/test_screen.py",
)
_TESTS = Path(__file__).parents[1]
_ORDER = {_TESTS / name: number for number, name in enumerate(LONGEST_FILES)}
_CONVENTIONS = _TESTS / "conventions"
_WITH_SYNTAX_TREES = {_TESTS / name for name in WITH_SYNTAX_TREES}
#: Those of one process take as long as the longest file.
_FIRST = -1


def reads_syntax_trees(path: Path) -> bool:
    """Return whether a file of tests parses the files of the program."""
    return _CONVENTIONS in path.parents or path in _WITH_SYNTAX_TREES


def sort_by_file(items: list[pytest.Item]) -> None:
    """Move the tests of the longest files to the front; the others stay in their order."""
    items.sort(key=lambda item: _number(item.path))


def _number(path: Path) -> int:
    return _FIRST if reads_syntax_trees(path) else _ORDER.get(path, len(_ORDER))


def process_of(nodeid: str) -> str:
    """Return what tests that run in one process have in common: their file, or "syntax trees"."""
    file = nodeid.partition("::")[0]
    return "syntax trees" if reads_syntax_trees(_TESTS.parent / file) else file


class FilesOfOneProcess(LoadFileScheduling):
    """Run the tests of each file in one process, and all that read syntax trees in the same one."""

    def _split_scope(self, nodeid: str) -> str:
        return process_of(nodeid)
