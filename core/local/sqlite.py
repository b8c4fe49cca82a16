"""apsw, with SQLite set up for several threads; modules that open a database import it from here."""

from __future__ import annotations

import apsw

__all__ = ["apsw"]

# By default SQLite counts all memory of the process, under one lock for each allocation. Two
# threads that read rows at the same time then take half as long again. SQLite accepts the setting
# only before its first use, and must not be shut down while a connection is open.
if not apsw.connections():
    apsw.shutdown()
    apsw.config(apsw.SQLITE_CONFIG_MEMSTATUS, 0)
    apsw.initialize()
