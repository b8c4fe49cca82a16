"""Backups in a place: their list, their manifests, and their rows after all hashes were compared."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Iterator
from typing import IO, Any, Protocol

from core.backup.recovery_kit.script.decompression import decompressed
from core.backup.recovery_kit.script.encryption import ENCRYPTED, Decryption, Keys
from core.backup.recovery_kit.script.failures import (
    INTEGERS,
    NOT_FOUND,
    NOT_SUPPORTED,
    USAGE,
    KitError,
    checked_record,
    corrupt,
)
from core.backup.recovery_kit.script.storage import ROOT

MANIFEST = "_manifest.json"
LARGEST_MANIFEST, LARGEST_PART = 16 << 20, 2 << 30
_DAY = re.escape(ROOT) + r"(?P<table>[^/]+)/\d{4}/\d{2}/\d{2}/"
_FOLDER = re.compile(_DAY + r"(?P<time>[^/_]+)_(?P<id>[0-9a-f]{12})/_manifest\.json")
_OLD = re.compile(_DAY + r"(?P<time>[^/]+?)\.json(?:\.gz)?")
_PART: dict[str, Any] = {"index": 0, "rows": 0, "size": 0, "raw_size": 0, "sha256": ""}


class Place(Protocol):
    """A local copy or a bucket."""

    def keys(self) -> Iterator[tuple[str, int]]:
        """Yield key and size of each object."""

    def read(self, key: str, limit: int) -> bytes:
        """Return at most `limit` + 1 bytes of an object."""

    def open(self, key: str, limit: int) -> IO[bytes]:
        """Return an object of at most `limit` + 1 bytes as an open file."""


class Backup:
    """A backup: the name of its table, its time and id, and its manifest (old form: None)."""

    def __init__(self, place: Place, key: str, found: re.Match[str]) -> None:
        groups = found.groupdict()
        self.place, self.key = place, key
        self.table, self.time = groups["table"], groups["time"]
        self.id = groups.get("id") or self.time
        self.old = "id" not in groups
        self.keys = Keys({})
        self._stored: dict[str, Any] = {}
        self._manifest: dict[str, Any] = {}
        self._decryption: Decryption | None = None

    @property
    def stored(self) -> dict[str, Any]:
        """The manifest as it is stored, of which some fields may be encrypted."""
        if not self._stored:
            data = self.place.read(self.key, LARGEST_MANIFEST)
            self._stored = checked_manifest(data)
            if (self._stored["table"], self._stored["id"]) != (self.table, self.id):
                raise corrupt(f"The manifest {self.key} belongs to another backup.")
        return self._stored

    @property
    def manifest(self) -> dict[str, Any]:
        """The complete manifest; that of an encrypted backup needs its key."""
        if not self._manifest:
            self._manifest = self.stored
            if self.stored["compression"] == ENCRYPTED:
                self._decryption = Decryption(self.stored, self.keys)
                self._manifest = self._decryption.complete(self.stored)
                _check_figures(self._manifest)
        return self._manifest

    @property
    def source(self) -> str:
        """The engine, the host, and the path or the name of the database."""
        source, host = self.stored["source"], self.stored.get("host", "")
        return f"{source.get('engine')} {host}:{self.stored.get('path') or source.get('database')}"

    @property
    def rows(self) -> int:
        """The number of rows in the manifest."""
        return int(self.stored["rows"])

    def pieces(self) -> Iterator[bytes]:
        """Yield the decompressed rows in pieces, which may end anywhere.

        Raises:
            KitError: A part or the rows do not match the manifest. It may be raised after the last
                piece, so that the rows must not be used before.
        """
        form, digest, rows = self.manifest.get("parts_format", "jsonl"), hashlib.sha256(), 0
        for part in self.manifest["parts"]:
            name = f"part-{part['index']:05d}.{form}.zst" + (".aes" if self._decryption else "")
            counts = Counts(form)
            with self._opened(name, part["size"]) as file:
                if _size_and_hash(file) != (part["size"], part["sha256"]):
                    raise corrupt(f"{name} of the backup {self.id} is damaged.")
                file.seek(0)
                for raw in self._unpacked(file, part):
                    counts.add(raw)
                    digest.update(raw)
                    yield raw
            if not counts.are_those_of(part):
                raise corrupt(f"{name} of the backup {self.id} does not match the manifest.")
            rows += counts.rows
        if rows != self.rows or digest.hexdigest() != self.manifest["content"]:
            raise corrupt(f"The rows of the backup {self.id} do not match its manifest.")

    def _opened(self, name: str, size: int) -> IO[bytes]:
        try:
            return self.place.open(self.key[: -len(MANIFEST)] + name, size)
        except KitError as error:
            if error.code != NOT_FOUND:
                raise
            raise corrupt(f"{name} of the backup {self.id} is missing.") from error

    def _unpacked(self, file: IO[bytes], part: dict[str, Any]) -> Iterator[bytes]:
        if self._decryption is None:
            yield from decompressed(file, part["raw_size"])
            return
        decrypted_part = self._decryption.part(file, part["size"], part["index"])
        yield from decompressed(decrypted_part, part["raw_size"])
        decrypted_part.finish()

    def check(self) -> None:
        """Read everything and compare every hash.

        Raises:
            KitError: The backup is damaged.
        """
        if self.old:
            self.records()
            return
        for _piece in self.pieces():
            pass

    def records(self) -> list[dict[str, Any]]:
        """Return the records of a backup of the old form, which has no hashes."""
        data = self.place.read(self.key, 1 << 30)
        try:
            if data[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                    data = file.read(1 << 30)
            body = json.loads(data)
        except (ValueError, OSError, EOFError, RecursionError, zlib.error) as error:
            raise corrupt(f"{self.key} cannot be read: {error}") from error
        records = body.get("records") if isinstance(body, dict) else body
        if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
            raise corrupt(f"{self.key} has no list of records.")
        return records


def _size_and_hash(file: IO[bytes]) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    while data := file.read(1 << 20):
        size += len(data)
        digest.update(data)
    return size, digest.hexdigest()


class Counts:
    """The bytes and the rows of a part, which is read in pieces."""

    def __init__(self, form: str) -> None:
        self.rows = self._size = 0
        self._csv = form == "csv"
        self._quoted = False
        self._last = b""

    def add(self, raw: bytes) -> None:
        """Count a piece: of CSV the line ends outside of quotes."""
        self._size += len(raw)
        self._last = raw[-1:]
        if not self._csv:
            self.rows += raw.count(b"\n")
            return
        between = raw.split(b'"')
        self.rows += sum(piece.count(b"\n") for piece in between[self._quoted :: 2])
        self._quoted ^= len(between) % 2 == 0

    def are_those_of(self, part: dict[str, Any]) -> bool:
        """Return whether the manifest declares these figures, and the last row is complete."""
        found = (self._size, self.rows, self._last)
        return found == (part["raw_size"], part["rows"], b"\n") and not self._quoted


def list_backups(place: Place) -> list[Backup]:
    """Return the backups of all tables, the newest first."""
    found = []
    for key, _size in place.keys():  # noqa: SIM118 - not a dictionary
        match = _FOLDER.fullmatch(key) or _OLD.fullmatch(key)
        if match:
            found.append(Backup(place, key, match))
    return sorted(found, key=lambda backup: backup.time, reverse=True)


def chosen(place: Place, table: str, backup_id: str) -> Backup:
    """Return the backup with an id, otherwise the newest one of the table with all rows.

    A damaged backup is never replaced by an older one.

    Raises:
        KitError: There is none, or there are backups of tables of this name of several databases.
    """
    some_rows = False
    found = [one for one in list_backups(place) if one.table == table]
    for backup in found:
        if not backup.id.startswith(backup_id):
            continue
        if backup_id or backup.old or not backup.stored.get("filter"):
            if not backup_id and not backup.old:
                _refuse_other_sources(backup, found)
            return backup
        some_rows = True
    if some_rows:
        text = f"There is no backup of {table} with all of its rows."
        raise KitError(NOT_FOUND, text, "Choose one with some rows by its id: --id.")
    named = f"backup {backup_id}" if backup_id else "backup"
    raise KitError(NOT_FOUND, f"There is no {named} of {table}.", "Run `list`.")


def _refuse_other_sources(newest: Backup, found: list[Backup]) -> None:
    """Refuse to choose the newest of several databases, of which only one is meant."""
    sources = {newest.source: newest.id}
    for backup in found:
        if not backup.old:
            with contextlib.suppress(KitError):  # a damaged one; it is not used
                sources.setdefault(backup.source, backup.id)
    if len(sources) > 1:
        named = ", ".join(f"{place!a}: {one}" for place, one in sources.items())
        text = f"The backups of {newest.table!a} are of {len(sources)} databases."
        raise KitError(USAGE, text, f"Choose one by its id: --id. The newest of each: {named}.")


def checked_manifest(data: bytes) -> dict[str, Any]:
    """Return a manifest whose own hash and figures are right.

    Raises:
        KitError: They are not, or a later version wrote it.
    """
    try:
        body = json.loads(data, parse_constant=_refuse_constant)
        rest = {name: value for name, value in body.items() if name != "sha256"}
        canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    except (ValueError, AttributeError, RecursionError) as error:
        raise corrupt(f"The manifest is not JSON: {error}") from error
    form = (body.get("format"), body.get("version"), body.get("compression"))
    # Version 2 has a filter: the backup contains only some rows. The kit creates new tables only,
    # so that it can restore them without replacing others.
    version = 2 if body.get("filter") else 1
    if form[:2] != ("strongroom-table-backup", version) or form[2] not in ("zstd", ENCRYPTED):
        raise KitError(NOT_SUPPORTED, f"This kit does not support the format {form}.")
    if hashlib.sha256(canonical.encode()).hexdigest() != body.get("sha256"):
        raise corrupt("The manifest was modified: its own hash does not match.")
    _check_figures(body)
    return dict(body)


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _check_figures(body: dict[str, Any]) -> None:
    texts = [body.get(name) for name in ("table", "id", "content", "taken")]
    objects = isinstance(body.get("schema"), dict) and isinstance(body.get("source"), dict)
    parts, rows = body.get("parts"), body.get("rows")
    known = body.get("parts_format", "jsonl") in ("jsonl", "csv")
    if not (all(isinstance(one, str) for one in texts) and objects and known):
        raise corrupt("The manifest is incomplete.")
    if not isinstance(parts, list) or type(rows) is not int or rows not in INTEGERS:
        raise corrupt("The manifest is incomplete.")
    for index, part in enumerate(parts):
        found = checked_record(part, _PART, "part")
        sizes = (found["rows"], found["size"], LARGEST_PART - found["raw_size"])
        if found["index"] != index or min(sizes) < 0 or found["size"] > LARGEST_PART:
            raise corrupt("The manifest lists parts that cannot be.")
    if body["schema"].get("table") != body["table"]:
        raise corrupt("The manifest's schema is not that of its table.")
