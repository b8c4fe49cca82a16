"""The examples of the documentation that read the parts of a backup with DuckDB and pandas, run on local files."""

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
    write_parts(store, backup, folder)
    text = re.sub(r"s3://[^']*/part-", f"{folder}/part-", example(engine))
    assert str(folder) in text
    with duckdb.connect() as connection:
        return connection.sql(text).fetchall()


def write_parts(store: MemoryStore, backup: Backup, folder: Path) -> None:
    """Write the objects of a backup to a folder."""
    for key, data in store.objects.items():
        if key.startswith(backup.key.rpartition("/")[0]):
            (folder / key.rpartition("/")[2]).write_bytes(data)


def rows_of_pandas(engine: str, store: MemoryStore, backup: Backup, folder: Path) -> list[Any]:
    """Return the rows of the table that the example for pandas reads, with None for NULL."""
    write_parts(store, backup, folder)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (text,) = (block for block in blocks if re.match(rf"# pandas, [^:]*{engine}[^:]*:", block))
    text = text.replace("1385db44ac50/part-", f"{folder}/part-")
    if "orders.sql" in text:
        statement = re.sub(r"s3://[^']*/part-", f"{folder}/part-", example(engine))
        (folder / "orders.sql").write_text(statement)
        text = text.replace("orders.sql", str(folder / "orders.sql"))
    assert str(folder) in text
    names: dict[str, Any] = {}
    exec(text, names)
    table = names["orders"]
    columns = ["id", "price", "status", "payload"]
    # A column without text and numbers shows NULL as pandas' own missing value.
    return [
        tuple(None if value != value else value for value in row)
        for row in table[columns].itertuples(index=False)
    ]
