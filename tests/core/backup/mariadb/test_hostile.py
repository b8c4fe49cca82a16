"""Definitions in a forged manifest are refused; nothing of them is executed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.errors import Corrupt, NotSupported
from core.model.tables import Check, Column, Index, Key, KeyPart, Partition, TableSchema, Trigger
from core.work import Work
from tests.core.backup.mariadb.conftest import Trading

ID = Column("id", "int(11)", not_null=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": (Column("id", "int); DROP TABLE victim; -- "),)},
        {"columns": (Column("id", "int DEFAULT 5"),)},
        {"columns": (Column("id", "int(11)", default="1, b INT"),)},
        {"columns": (Column("id", "int(11)", default="(SELECT 1)"),)},
        {"columns": (Column("id", "int(11)", default="sleep(100)"),)},
        {"columns": (Column("id", "text", default="load_file('/etc/passwd')"),)},
        {"columns": (Column("id", "int(11)", default="1 /* x */"),)},
        {"columns": (Column("id", "text", collation="utf8mb4_bin, b INT"),)},
        {"columns": (Column("id", "int(11)", generated="1) VIRTUAL, b INT AS (2"),)},
        {"columns": (Column("id", "int(11)", attributes=("COMMENT 'x', b INT",)),)},
        {"columns": (Column("id", "int(11)", attributes=("ON UPDATE 1, b INT",)),)},
        {"columns": (Column("id", "int(11)", numbering="x"),)},
        {"checks": (Check("1) , CHECK (2"),)},
        {"keys": (Key((KeyPart("id"),), primary=True, definition="USING BTREE, KEY x (id)"),)},
        {"indexes": (Index("x", (KeyPart("id"),), definition="COMMENT 'a', ADD b INT"),)},
        {"options": ("ENGINE=InnoDB", "DATA DIRECTORY='/tmp'")},
        {"options": ("ENGINE=InnoDB; DROP TABLE victim",)},
        {"options": ("UNION=(victim)",)},
        {"partition_key": "PARTITION BY HASH (id) SELECT 1"},
        {"partition_key": "AS SELECT * FROM victim"},
        {
            "partition_key": "PARTITION BY LIST (id)",
            "partitions": (Partition("p", "VALUES IN (1) DATA DIRECTORY = '/tmp'"),),
        },
        {"triggers": (Trigger("x", "BEFORE", "INSERT ON victim FOR EACH ROW SET @a=1 -- ", "x"),)},
    ],
)
def test_a_hostile_schema_is_not_executed(trading: Trading, changes: dict[str, Any]) -> None:
    trading.sql("CREATE TABLE victim (id INT)")
    schema = TableSchema(**{"table": "made", "columns": (ID,), **changes})
    before = trading.everything()
    with pytest.raises((Corrupt, NotSupported)):
        _build(trading, schema)
    assert trading.everything() == before


def _build(trading: Trading, schema: TableSchema) -> None:
    with trading.open(write=True) as database, database.change(work=Work()):
        database.create(replace(schema, table="made__restoring"))
        database.publish(schema, "made__restoring", "", triggers=True)
