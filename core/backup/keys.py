"""Where backups lie in the bucket, and what a key there says.

`backups/database/{table}/{YYYY}/{MM}/{DD}/` is the contract's folder. One backup is one folder in
it, `{time}_{id}/`, with `part-00000.jsonl.zst …` and `_manifest.json`; the leading underscore
keeps the manifest out of what Athena and Spark read as rows. The old form is one object,
`{time}.json`, perhaps with `.gz`.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from core.errors import InvalidInput
from core.units import as_utc, iso_utc

ROOT = "backups/database/"
MANIFEST = "_manifest.json"

#: S3's limit of a key, in bytes; the parts' names need some of it.
_LONGEST_FOLDER = 1024 - 32

_DAY = r"(?P<table>[^/]+)/\d{4}/\d{2}/\d{2}/"
_FOLDER = re.compile(
    re.escape(ROOT) + _DAY + r"(?P<time>[^/_]+)_(?P<id>[0-9a-f]{12})/(?P<file>[^/]+)"
)
_OLD = re.compile(re.escape(ROOT) + _DAY + r"(?P<time>[^/]+?)\.json(?:\.gz)?")


@dataclass(frozen=True, slots=True)
class BackupKey:
    """What a key below the root is: a file of a backup's folder, or an old-form object.

    `file` is empty for the old form; `moment` None when its time cannot be read.
    """

    table: str
    id: str
    moment: datetime | None
    folder: str
    file: str


def new_id() -> str:
    """Return an id for a backup: 48 random bits, so that no two runs share one."""
    return secrets.token_hex(6)


def table_prefix(table: str | None) -> str:
    """Return the prefix of all backups, or of one table's.

    Raises:
        InvalidInput: When the name cannot be one segment of a key (contract, section 1).
    """
    if table is None:
        return ROOT
    bad = not table or table in (".", "..") or "/" in table
    if bad or any(ord(char) < 32 or ord(char) == 127 for char in table):
        raise InvalidInput(
            "The table's name cannot be part of a key",
            cause="It is empty, `.` or `..`, or holds `/` or a control character.",
            remedy="Rename the table, or back up a copy under another name.",
            subject=repr(table),
        )
    return f"{ROOT}{table}/"


def folder(table: str, taken: datetime, backup_id: str) -> str:
    """Return the folder of one backup, ending with `/`."""
    moment = as_utc(taken).replace(microsecond=0)
    name = f"{table_prefix(table)}{moment:%Y/%m/%d}/{iso_utc(moment)}_{backup_id}/"
    if len(name.encode()) > _LONGEST_FOLDER:
        raise InvalidInput("The table's name is too long for a key", subject=table)
    return name


def part_name(index: int) -> str:
    """Return the file name of a part."""
    return f"part-{index:05d}.jsonl.zst"


def parse(key: str) -> BackupKey | None:
    """Return what a key says, or None when it belongs to no backup."""
    if found := _FOLDER.fullmatch(key):
        stem = key[: -len(found["file"])]
        return BackupKey(found["table"], found["id"], _moment(found["time"]), stem, found["file"])
    if found := _OLD.fullmatch(key):
        return BackupKey(found["table"], found["time"], _moment(found["time"]), "", "")
    return None


def _moment(text: str) -> datetime | None:
    try:
        return as_utc(datetime.fromisoformat(text))
    except ValueError:
        return None
