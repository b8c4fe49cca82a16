"""Keys of backups in the bucket.

The contract's folder is `backups/database/{table}/{YYYY}/{MM}/{DD}/`. A backup is a folder in it,
`{time}_{id}/`, with `part-00000.jsonl.zst …` (with `.aes` if it is encrypted) and `_manifest.json`,
`_pin.json` if it is pinned, and `_note.json` if its note was changed; Athena and Spark ignore the
latter because of the leading underscore. The old form is one object, `{time}.json`, optionally with
`.gz`.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from core.layout.key_checks import check_key, check_segment
from core.layout.timestamps import parse_timestamp
from core.units import as_utc, iso_utc

ROOT = "backups/database/"
MANIFEST = "_manifest.json"
#: The object that marks a backup as pinned.
PIN = "_pin.json"
#: The object with a note that replaces the one in the manifest.
NOTE = "_note.json"

#: The longest file name in the folder of a backup.
_LONGEST_NAME = "part-00000000.jsonl.zst.aes"

_DAY = r"(?P<table>[^/]+)/\d{4}/\d{2}/\d{2}/"
_FOLDER = re.compile(
    re.escape(ROOT) + _DAY + r"(?P<time>[^/_]+)_(?P<id>[0-9a-f]{12})/(?P<file>[^/]+)"
)
_OLD = re.compile(re.escape(ROOT) + _DAY + r"(?P<time>[^/]+?)\.json(?:\.gz)?")


@dataclass(frozen=True, slots=True)
class BackupKey:
    """A parsed key: a file in the folder of a backup, or an old-form object.

    `file` is empty for the old form; `moment` is None if the time cannot be parsed.
    """

    table: str
    id: str
    moment: datetime | None
    folder: str
    file: str


def new_id() -> str:
    """Return a new id for a backup, with 48 random bits."""
    return secrets.token_hex(6)


def table_prefix(table: str | None) -> str:
    """Return the prefix of all backups, or of the backups of one table.

    Raises:
        InvalidInput: When the name is not valid as a segment of a key (contract, section 1).
    """
    if table is None:
        return ROOT
    check_segment("table", table)
    return f"{ROOT}{table}/"


def folder(table: str, moment: datetime, backup_id: str) -> str:
    """Return the folder of one backup, ending with `/`."""
    moment = as_utc(moment)
    name = f"{table_prefix(table)}{moment:%Y/%m/%d}/{iso_utc(moment)}_{backup_id}/"
    check_key(name + _LONGEST_NAME)
    return name


def part_name(index: int, parts_format: str, *, encrypted: bool = False) -> str:
    """Return the file name of a part in the format `jsonl` or `csv`."""
    # DuckDB, Athena and zstd choose by the ending: none of them mistakes an encrypted part.
    return f"part-{index:05d}.{parts_format}.zst" + (".aes" if encrypted else "")


def parse(key: str) -> BackupKey | None:
    """Parse a key; return None if it does not belong to a backup."""
    if found := _FOLDER.fullmatch(key):
        stem = key[: -len(found["file"])]
        return BackupKey(
            found["table"], found["id"], parse_timestamp(found["time"]), stem, found["file"]
        )
    if found := _OLD.fullmatch(key):
        return BackupKey(found["table"], found["time"], parse_timestamp(found["time"]), "", "")
    return None
