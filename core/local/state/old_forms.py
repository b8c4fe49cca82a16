"""Reads the file formats of earlier versions into the tables of the state database.

Each function inserts the entries of one file and may raise what reading foreign content raises
(`core.local.json_lines.UNREADABLE`). What is in the database already is not overwritten by an
older entry.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    import apsw


@dataclass(frozen=True, slots=True)
class Inserted:
    """How many entries of a file were inserted, and the names of those that cannot be read."""

    entries: int
    unreadable: tuple[str, ...] = ()


def insert_rotation(connection: apsw.Connection, content: bytes, _path: Path) -> Inserted:
    """Insert the rotation of one `….rotation.json`; the newer of two with the same id remains."""
    record = json.loads(content)
    connection.execute(
        "INSERT INTO rotations (id, started, record) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE"
        " SET record = excluded.record"
        " WHERE excluded.record ->> '$.updated' > record ->> '$.updated'",
        (str(UUID(record["id"])), str(record["started"]), json.dumps(record)),
    )
    return Inserted(1)


def insert_transfer(connection: apsw.Connection, content: bytes, _path: Path) -> Inserted:
    """Insert an interrupted transfer: a line with the order, then lines with finished files.

    The last line may be torn by a crash; any other must be complete.
    """
    complete, _, _torn = content.rpartition(b"\n")
    first, *lines = (json.loads(line) for line in complete.split(b"\n"))
    record = {name: first[name] for name in ("operation", "title", "profile", "bucket")}
    done = [(number, 0) for line in lines for number in line.get("done", ())]
    skipped = [(number, 1) for line in lines for number in line.get("skipped", ())]
    row = connection.execute(
        "INSERT INTO transfers (id, moment, planned, record) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING RETURNING number",
        (UUID(first["id"]).hex, str(first["when"]), int(first["planned"]),
         json.dumps({**record, "arguments": dict(first["arguments"])})),
    ).fetchone()  # fmt: skip
    if row is None:  # it was resumed by this version
        return Inserted(0)
    connection.executemany(
        "INSERT OR IGNORE INTO transfer_files (transfer, file, skipped) VALUES (?, ?, ?)",
        [(row[0], int(number), skipped) for number, skipped in (*done, *skipped)],
    )
    return Inserted(1)


def insert_upload(connection: apsw.Connection, content: bytes, _path: Path) -> Inserted:
    """Insert a multipart upload that was begun; the last complete line of its file counts."""
    record = json.loads(content.rpartition(b"\n")[0].rpartition(b"\n")[2])
    upload_id = str(record.pop("upload_id"))
    if not record["key"]:
        raise ValueError("an upload without a key")
    connection.execute(
        "INSERT INTO uploads (upload_id, record) VALUES (?, ?)", (upload_id, json.dumps(record))
    )
    return Inserted(1)
