"""Reads the file formats of earlier versions into the tables of the state database.

Each function inserts the entries of one file and may raise what reading foreign content raises
(`core.local.unreadable.UNREADABLE`). A newer entry of the database is not overwritten by an
older one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.errors import InvalidInput
from core.local.profile_check import check_profile, profile_of
from core.local.state.statistics_parts import encode, replace_parts, statistics_of
from core.local.unreadable import UNREADABLE

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
        # Times in ISO 8601 of one zone can be compared as texts.
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


def insert_profiles(connection: apsw.Connection, content: bytes, _path: Path) -> Inserted:
    """Insert the profiles of `profiles.json` and which one is current."""
    book = json.loads(content)

    def insert(entry: dict[str, Any]) -> None:
        check_profile(profile_of(entry))
        connection.execute(
            "INSERT INTO profiles (name, record) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (entry["name"], json.dumps(entry)),
        )

    done = _insert_each(connection, book["profiles"], insert, _name_of)
    connection.execute(
        "INSERT INTO current_profile (only, name) SELECT 1, name FROM profiles WHERE name = ?"
        " ON CONFLICT DO NOTHING",
        (str(book.get("current", "")),),
    )
    return done


def insert_settings(connection: apsw.Connection, content: bytes, _path: Path) -> Inserted:
    """Insert the settings of `settings.json`."""
    values = json.loads(content)
    connection.executemany(
        "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(key, json.dumps(value)) for key, value in values.items()],
    )
    return Inserted(len(values))


def insert_links(connection: apsw.Connection, content: bytes, _path: Path) -> Inserted:
    """Insert the lines of `links.jsonl`."""

    def insert(entry: dict[str, Any]) -> None:
        made, expires = entry["made"], entry["expires"]
        for moment in (made, expires):
            datetime.fromisoformat(moment)
        texts = [_text(entry[name]) for name in ("bucket", "key", "method")]
        connection.execute(
            "INSERT INTO links (bucket, key, method, made, expires, made_by, access_key_id,"
            " expiry_known) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*texts, made, expires, _text(entry["made_by"]), _text(entry["access_key_id"]),
             int(entry.get("expiry_known", True))),
        )  # fmt: skip

    return _insert_lines(connection, content, insert)


def insert_changes(connection: apsw.Connection, content: bytes, _path: Path) -> Inserted:
    """Insert the lines of `changes.jsonl`."""

    def insert(entry: dict[str, Any]) -> None:
        datetime.fromisoformat(entry["when"])
        prefixes = [_text(prefix) for prefix in entry.get("prefixes", ())]
        texts = [_text(entry[name]) for name in ("kind", "action", "subject", "origin")]
        connection.execute(
            "INSERT INTO changes (moment, profile, kind, action, subject, origin, prefixes,"
            " request_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (entry["when"], _text(entry.get("profile", "")), *texts, json.dumps(prefixes),
             _text(entry.get("request_id", ""))),
        )  # fmt: skip

    return _insert_lines(connection, content, insert)


def insert_used_actions(connection: apsw.Connection, content: bytes, _path: Path) -> Inserted:
    """Insert the days of `used-actions.json`; the first and the last of all days remain."""
    book = json.loads(content)
    if book["format"] != 1:
        raise ValueError("a later format")
    rows = [
        (
            profile,
            action,
            date.fromisoformat(first).isoformat(),
            date.fromisoformat(last).isoformat(),
        )
        for profile, used in book["profiles"].items()
        for action, (first, last) in used.items()
    ]
    connection.executemany(
        "INSERT INTO used_actions (profile, action, first, last) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET first = min(first, excluded.first),"
        " last = max(last, excluded.last)",
        rows,
    )
    return Inserted(len(rows))


def insert_download_folders(connection: apsw.Connection, content: bytes, _path: Path) -> Inserted:
    """Insert the folders in which a process had unfinished downloads, divided by NUL."""
    rows = [(folder,) for folder in content.split(b"\0") if folder]
    connection.executemany("INSERT INTO download_folders (folder) VALUES (?)", rows)
    return Inserted(len(rows))


def insert_unfinished_backup(connection: apsw.Connection, content: bytes, _path: Path) -> Inserted:
    """Insert the record of a backup that was not finished."""
    record = json.loads(content)
    connection.execute(
        "INSERT INTO unfinished_backups (place, folder) VALUES (?, ?)",
        (_text(record["place"]), _text(record["folder"])),
    )
    return Inserted(1)


def insert_verifications(connection: apsw.Connection, content: bytes, _path: Path) -> Inserted:
    """Insert the lines of `verifications.jsonl`; the newest of each backup remains."""

    def insert(entry: dict[str, Any]) -> None:
        datetime.fromisoformat(entry["when"])
        names = ("place", "key", "sha256", "when", "by", "problem")
        connection.execute(
            "INSERT OR REPLACE INTO verifications (place, key, sha256, moment, operation, problem)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [_text(entry[name]) for name in names],
        )

    return _insert_lines(connection, content, insert)


def insert_check_secret(connection: apsw.Connection, content: bytes, _path: Path) -> Inserted:
    """Insert the record of the test secret of a permission check."""
    record = json.loads(content)
    connection.execute(
        "INSERT INTO check_secrets (name, endpoint, region, bucket) VALUES (?, ?, ?, ?)",
        [_text(record[name]) for name in ("name", "endpoint", "region", "bucket")],
    )
    return Inserted(1)


def insert_former_lifecycle_rules(
    connection: apsw.Connection, content: bytes, _path: Path
) -> Inserted:
    """Insert the rules of a bucket before a change."""
    document = json.loads(content)
    datetime.fromisoformat(document["saved"])
    names = ("Rules", "TransitionDefaultMinimumObjectSize")
    if not isinstance(document["Rules"], list):
        raise TypeError("not a list of rules")
    connection.execute(
        "INSERT INTO former_lifecycle_rules (bucket, moment, record) VALUES (?, ?, ?)",
        (_text(document["bucket"]), document["saved"],
         json.dumps({name: document[name] for name in names})),
    )  # fmt: skip
    return Inserted(1)


def insert_statistics(connection: apsw.Connection, content: bytes, path: Path) -> Inserted:
    """Insert the last complete result of a profile and bucket.

    The file has the bucket's name, but only a hash of it and the profile's name as its own name. A
    result of a profile that no longer exists cannot be shown, and is left out.
    """
    document = json.loads(content)
    if document["version"] != 1 or document["partial"]:
        raise ValueError("not a complete result")
    statistics = statistics_of(document)
    for (profile,) in connection.execute("SELECT name FROM profiles").fetchall():
        name = hashlib.sha256(f"{profile}\0{statistics.bucket}".encode()).hexdigest()[:32]
        if name == path.stem:
            replace_parts(connection, str(profile), statistics.bucket, encode(statistics))
            return Inserted(1)
    return Inserted(0)


def _insert_lines(
    connection: apsw.Connection, content: bytes, insert: Callable[[dict[str, Any]], None]
) -> Inserted:
    """Insert a file of JSON objects, one per line; a line that cannot be read is skipped."""
    lines = enumerate(content.split(b"\n"), 1)

    def insert_line(line: tuple[int, bytes]) -> None:
        insert(json.loads(line[1]))

    return _insert_each(
        connection,
        [(number, line) for number, line in lines if line.strip()],
        insert_line,
        lambda line: f"line {line[0]}",
    )


def _insert_each(
    connection: apsw.Connection,
    entries: list[Any],
    insert: Callable[[Any], None],
    name_of: Callable[[Any], str],
) -> Inserted:
    unreadable = []
    for entry in entries:
        try:
            with connection:  # a savepoint
                insert(entry)
        except (InvalidInput, *UNREADABLE):
            unreadable.append(name_of(entry))
    return Inserted(len(entries) - len(unreadable), tuple(unreadable))


def _name_of(entry: Any) -> str:
    return str(entry.get("name", "?") if isinstance(entry, dict) else "?")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
