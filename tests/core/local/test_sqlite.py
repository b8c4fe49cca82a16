"""The settings of SQLite, which have to precede its first use."""

import subprocess
import sys

import pytest

_CODE = """
import apsw
before = apsw.Connection(":memory:") if {used} else None
import core.backup.databases.sqlite
from core.local.sqlite import apsw
connection = apsw.Connection(":memory:")
connection.execute("CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(1000))")
print(apsw.memory_used() > 0)
"""


@pytest.mark.parametrize("used", [False, True])
def test_sqlite_counts_no_memory_unless_it_was_used_before(used: bool) -> None:
    code = _CODE.format(used=used)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == str(used)
