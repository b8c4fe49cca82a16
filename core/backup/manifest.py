"""The manifest of a backup: a JSON object, every field of which is checked.

Its last field is its own SHA-256: that of its canonical JSON (keys sorted, no spaces, ASCII)
without the field `sha256`.
"""

from __future__ import annotations

import hashlib
import json
import types
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import datetime
from typing import Any, Union, get_args, get_origin, get_type_hints

from core.backup.databases.long_rows import LONGEST_LINE
from core.backup.keys import part_name
from core.errors import Corrupt, NotSupported
from core.model.backup import Backup, Manifest, Part
from core.model.tables import TableSchema
from core.units import as_utc, format_counted, iso_utc

FORMAT = "strongroom-table-backup"
VERSION = 1
#: Version of a backup that contains only some rows of its table. Earlier programs refuse it: they
#: would replace the complete table with these rows.
FILTERED_VERSION = 2

#: The condition in the manifest of an encrypted backup: it may contain values of rows.
HIDDEN_FILTER = "(encrypted)"

#: Format of the parts, for other programs that read them.
ENCODINGS = {
    "jsonl": {"rows": "JSON lines, one object a row", "values": "strongroom-values-1"},
    "csv": {
        "rows": "CSV with the columns of the schema in order, without a header",
        "values": "PostgreSQL COPY: an empty field without quotes is NULL",
    },
}
COMPRESSION = "zstd"
#: Instead of `COMPRESSION` for an encrypted backup, so that programs that cannot decrypt it refuse
#: it with this text, and do not report it as damaged.
ENCRYPTED_COMPRESSION = "zstd+aes-256-gcm"

#: Fields that were added to version 1: only written if they have a value, so that older programs
#: can read every backup without them.
_ADDED_LATER = frozenset(
    (
        "rowids", "host", "path", "parts_format", "fingerprint", "ddl", "definition", "numbering",
        "comment", "owner", "grants", "sequences", "types", "extensions", "partition_key",
        "partitions", "attributes", "length", "encryption",
        "filter",
    )
)  # fmt: skip

#: Fields of the manifest of an encrypted backup that are not encrypted: a list of backups needs no
#: key. Every other field is hidden, also one that is added later.
VISIBLE = frozenset(
    (
        "id", "table", "taken", "seconds", "snapshot", "tool", "source", "rows", "parts", "note",
        "host", "path", "parts_format", "encryption",
    )
)  # fmt: skip

#: Maximum size of a manifest in bytes; one with 10,000 parts has 1.5 MB.
LARGEST = 16 << 20

#: Maximum decompressed size of a part.
LARGEST_PART = 2 * LONGEST_LINE
_SHORTEST_LINE = {"jsonl": len(b"{}\n"), "csv": len(b"\n")}
_LONGEST_SECONDS = 1e9
_INTEGERS = range(-(2**63), 2**63)


def to_bytes(manifest: Manifest) -> bytes:
    """Return the stored form of a manifest."""
    body = manifest_body(manifest)
    body["sha256"] = _own_hash(body)
    return json.dumps(body, indent=1, ensure_ascii=False).encode()


def manifest_body(manifest: Manifest) -> dict[str, Any]:
    """Return the stored form of a manifest as an object, without its own hash."""
    return {
        "format": FORMAT,
        "version": FILTERED_VERSION if manifest.filter else VERSION,
        "encoding": ENCODINGS[manifest.parts_format],
        "compression": ENCRYPTED_COMPRESSION if manifest.encryption else COMPRESSION,
        **_plain(manifest),
    }


def from_bytes(data: bytes) -> Manifest:
    """Parse a manifest, and check the type of every field.

    Raises:
        Corrupt: When the manifest is damaged, incomplete or modified.
        NotSupported: When a later version of Strongroom wrote it.
    """
    try:
        body = json.loads(data, parse_constant=_refuse_constant)
        own_hash = _own_hash(body) if isinstance(body, dict) else ""
    except (ValueError, RecursionError) as error:
        raise Corrupt("The manifest is not JSON", cause=str(error)[:200]) from error
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise Corrupt("The manifest is not one of a table backup")
    form = f"Version {body.get('version')!r:.40}, compression {body.get('compression')!r:.40}."
    known = (COMPRESSION, ENCRYPTED_COMPRESSION)
    version = body.get("version")
    supported = type(version) is int and version in (VERSION, FILTERED_VERSION)
    if not supported or body.get("compression") not in known:
        raise NotSupported(
            "This version does not support the format of the backup",
            cause=form,
            remedy="Use a newer version of Strongroom.",
        )
    if body.get("sha256") != own_hash:
        raise Corrupt("The manifest was modified", cause="Its own hash does not match.")
    manifest = _checked(_built(Manifest, body, "manifest"))
    if (manifest.encryption is not None) != (body["compression"] == ENCRYPTED_COMPRESSION):
        raise Corrupt("The manifest contradicts itself about the encryption")
    if bool(manifest.filter) != (version == FILTERED_VERSION):
        raise Corrupt("The manifest contradicts itself about the rows that it contains")
    return manifest


def hidden_fields(manifest: Manifest) -> tuple[dict[str, Any], Manifest]:
    """Return the fields that an encrypted backup hides, and the manifest without their values."""
    hidden = {name: value for name, value in _plain(manifest).items() if name not in VISIBLE}
    blank = {
        field.name: field.default
        for field in fields(manifest)
        if field.name not in VISIBLE and field.default is not MISSING
    }
    schema = TableSchema(manifest.table, ())
    if manifest.filter:
        blank["filter"] = HIDDEN_FILTER
    return hidden, replace(manifest, schema=schema, content="", **blank)


def with_hidden_fields(manifest: Manifest, hidden: dict[str, Any]) -> Manifest:
    """Return the complete manifest of an encrypted backup.

    Raises:
        Corrupt: A hidden field has the wrong type.
        NotSupported: A later version of Strongroom wrote it.
    """
    hints = get_type_hints(Manifest)
    _refuse_unknown(hidden, hints, "manifest.encryption.hidden")
    found = {name: _built(hints[name], hidden[name], f"manifest.{name}") for name in hidden}
    return replace(manifest, **found)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a valid JSON number")


def _own_hash(body: dict[str, Any]) -> str:
    rest = {name: value for name, value in body.items() if name != "sha256"}
    return hashlib.sha256(canonical(rest)).hexdigest()


def canonical(body: dict[str, Any]) -> bytes:
    """Return the bytes of an object that are hashed: they do not depend on order and spaces."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return text.encode()


def _checked(manifest: Manifest) -> Manifest:
    if min(manifest.rows, manifest.seconds) < 0:
        raise Corrupt("The manifest contains a negative number")
    if manifest.parts_format not in ENCODINGS:
        raise NotSupported(
            "This version does not support the format of the parts",
            cause=f"The format is {manifest.parts_format!r:.40}.",
            remedy="Use a newer version of Strongroom.",
        )
    for part in manifest.parts:
        _check_part(part, _SHORTEST_LINE[manifest.parts_format])
    if [part.index for part in manifest.parts] != list(range(len(manifest.parts))):
        raise Corrupt("The manifest lists parts out of order")
    if sum(part.rows for part in manifest.parts) != manifest.rows:
        raise Corrupt("The manifest's parts do not add up to its rows")
    if manifest.encryption is None:
        check_schema(manifest)
    return manifest


def check_schema(manifest: Manifest) -> None:
    """Check that the schema is that of the table; an encrypted one is checked when it is decrypted.

    Raises:
        Corrupt: It is another one.
    """
    if manifest.schema.table != manifest.table or not manifest.schema.stored:
        raise Corrupt("The manifest's schema is not that of its table")


def _check_part(part: Part, shortest_line: int) -> None:
    """Check the figures of a part before it is read or decompressed."""
    if min(part.rows, part.size, part.raw_size) < 0:
        raise Corrupt("The manifest contains a negative number")
    stored = part.raw_size + (part.raw_size >> 7) + 1024  # the maximum of zstd
    if part.raw_size > LARGEST_PART or part.size > stored:
        raise Corrupt(
            f"The manifest gives part {part.index} an impossible size",
            cause=f"{format_counted(part.size, 'byte')} that unpack to {part.raw_size}.",
        )
    if part.rows * shortest_line > part.raw_size:
        raise Corrupt(
            f"The manifest gives more rows than part {part.index} can contain",
            cause=f"{format_counted(part.rows, 'row')} in {format_counted(part.raw_size, 'byte')}.",
        )


def entry(manifest: Manifest, key: str, data: bytes) -> Backup:
    """Return the list entry of a manifest that is stored as `data` under `key`."""
    return Backup(
        manifest.id,
        manifest.table,
        manifest.taken,
        manifest.size,
        key,
        rows=manifest.rows,
        seconds=manifest.seconds,
        source=str(manifest.origin),
        note=manifest.note,
        sha256=hashlib.sha256(data).hexdigest(),
        origin=manifest.origin,
        encrypted_with=manifest.encryption.key if manifest.encryption else "",
        filter=manifest.filter,
        snapshot=manifest.snapshot,
    )


def part_file(part: Part, manifest: Manifest) -> str:
    """Return the file name of a part."""
    encrypted = manifest.encryption is not None
    return part_name(part.index, manifest.parts_format, encrypted=encrypted)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in fields(value)
            if field.name not in _ADDED_LATER or getattr(value, field.name) != field.default
        }
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return iso_utc(value) if isinstance(value, datetime) else value


def _built(kind: Any, value: Any, where: str) -> Any:
    """Return a value as the declared type; the error for another type names its path."""
    if is_dataclass(kind):
        return _record(kind, value, where)
    origin = get_origin(kind)
    if origin is tuple:
        return _items(get_args(kind)[0], value, where)
    if origin in (Union, types.UnionType):
        return None if value is None else _built(get_args(kind)[0], value, where)
    return _leaf(kind, value, where)


def _leaf(kind: Any, value: Any, where: str) -> Any:
    if kind is datetime and isinstance(value, str):
        return _moment(value, where)
    if kind is float and type(value) in (int, float):
        if not -_LONGEST_SECONDS < value < _LONGEST_SECONDS:
            raise Corrupt(f"The manifest's {where} is out of range")
        return float(value)
    if type(value) is not kind:
        raise Corrupt(f"The manifest's {where} has the wrong type")
    if kind is int and value not in _INTEGERS:
        raise Corrupt(f"The manifest's {where} is out of range", cause="The value exceeds 64 bits.")
    if kind is str and not is_text(value):
        raise Corrupt(
            f"The manifest's {where} is not text",
            cause="The text contains an incomplete character.",
        )
    return value


def is_text(value: str) -> bool:
    """Return whether a text has no incomplete character, which JSON can contain."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _record(kind: Any, value: Any, where: str) -> Any:
    """Return a record; fields with a default may be missing, since they were added later.

    Unknown fields are refused (except at the top level): ignoring them would restore less than was
    backed up.
    """
    if not isinstance(value, dict):
        raise Corrupt(f"The manifest's {where} is not an object")
    hints = get_type_hints(kind)
    found = {}
    for field in fields(kind):
        if field.name in value:
            place = f"{where}.{field.name}"
            found[field.name] = _built(hints[field.name], value[field.name], place)
        elif field.default is MISSING:
            raise Corrupt(f"The manifest lacks {where}.{field.name}")
    if kind is not Manifest:
        _refuse_unknown(value, hints, where)
    return kind(**found)


def _refuse_unknown(value: dict[str, Any], hints: dict[str, Any], where: str) -> None:
    if unknown := sorted(value.keys() - hints.keys()):
        raise NotSupported(
            "The backup contains fields that this version does not support",
            cause=f"{where}: {', '.join(unknown)[:200]}.",
            remedy="Use a newer version of Strongroom.",
        )


def _items(kind: Any, value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise Corrupt(f"The manifest's {where} is not a list")
    return tuple(_built(kind, item, where) for item in value)


def _moment(text: str, where: str) -> datetime:
    try:
        return as_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise Corrupt(f"The manifest's {where} is not a time") from error
