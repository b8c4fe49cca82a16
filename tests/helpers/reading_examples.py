"""The examples of the documentation that read the parts of a backup with DuckDB, run on local files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
from helpers.backups import MemoryStore

from core.model.backup import Backup

PAGE = Path(__file__).parents[2] / "resources/docs/backup-format.md"


def example(engine: str) -> str:
    """Return the example for an engine."""
    blocks = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = (block for block in blocks if block.startswith(f"-- DuckDB, {engine}:"))
    return str(found)


def rows_of_example(engine: str, store: MemoryStore, backup: Backup, folder: Path) -> list[Any]:
    """Write the parts of a backup to a folder, and return the rows that the example reads."""
    for key, data in store.objects.items():
        if key.startswith(backup.key.rpartition("/")[0]):
            (folder / key.rpartition("/")[2]).write_bytes(data)
    text = re.sub(r"s3://[^']*/part-", f"{folder}/part-", example(engine))
    assert str(folder) in text
    with duckdb.connect() as connection:
        return connection.sql(text).fetchall()
