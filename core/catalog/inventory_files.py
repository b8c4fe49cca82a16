"""The files of a report of S3 Inventory, and the `manifest.json` that names them.

Sources: Amazon S3 User Guide, "Locating your inventory list" (the members of `manifest.json`:
source bucket, format, schema, and the key, size and MD5 of each file, but not the prefix to which
the report is limited) and "Amazon S3 Inventory list" (a report in CSV has no names of columns, and
URL-encoded keys; with all versions it has the columns of versions).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.catalog.database import parquet_sql
from core.errors import InvalidInput
from core.local.atomic import is_special, translate_os_errors
from core.local.unreadable import UNREADABLE
from core.sql.literals import text_literal
from core.units import format_counted

_ORC, _GZIP = b"ORC", b"\x1f\x8b"
#: The names of Parquet for those names of CSV that do not follow from them.
_NAMES = {"ETag": "e_tag"}
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MEMBERS = ("sourceBucket", "fileFormat", "fileSchema", "files")
_SHOWN = 3
_REMEDY = "Choose the format Apache Parquet or CSV in the inventory configuration, and use its next report."


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """The files of one report.

    Attributes:
        paths: the files with rows.
        columns: the names of the columns of a CSV; empty for Parquet, which has them.
        bucket: the bucket that the manifest names; empty without a manifest.
        complete: whether the manifest shows that these are all files of the report.
        unused: the number of files that were named, and that are not of the report.
    """

    paths: tuple[Path, ...]
    columns: tuple[str, ...] = ()
    bucket: str = ""
    complete: bool = False
    unused: int = 0

    def source_sql(self) -> str:
        """Return the rows as a source in SQL, with the names of columns that Parquet has."""
        if not self.columns:
            return parquet_sql(self.paths)
        names = ", ".join(text_literal(str(path)) for path in self.paths)
        kinds = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in self.columns)
        packed = "gzip" if _start(self.paths[0]).startswith(_GZIP) else "none"
        source = (
            f"read_csv([{names}], columns = {{{kinds}}}, header = false, auto_detect = false, "
            "delim = ',', quote = '\"', escape = '\"', nullstr = '', "
            f"compression = '{packed}')"
        )
        # A plus is a space, as a plus in a key is encoded, too.
        return f"(SELECT * REPLACE (url_decode(replace(key, '+', ' ')) AS key) FROM {source})"  # noqa: S608 - all names are quoted


def report_files(paths: Sequence[Path]) -> ReportFiles:
    """Return the files of a report.

    Args:
        paths: the files with rows, and their manifest, a file that ends with `.json`. Files of
            other reports, which the manifest does not name, are not used. Those that it names are
            also searched beside it and in the folder `data` beside or above it.

    Raises:
        InvalidInput: a file is missing, damaged, or has a format that is not supported.
        LocalIOError: a file cannot be read.
    """
    special = next(filter(is_special, paths), None)
    if special is not None:  # it is read several times, and a pipe would be waited for without end
        raise InvalidInput(
            f"{special.name} is not a regular file",
            cause="It is a device, a pipe or a socket.",
            remedy="Name a regular file. The content of a pipe can be written to one first.",
            subject=str(special),
        )
    manifests = [path for path in paths if path.suffix.lower() == ".json"]
    files = [path for path in paths if path not in manifests]
    if len(manifests) > 1:
        raise InvalidInput(
            "Two manifests were named, which are of two reports",
            remedy="Use the manifest of one report.",
            subject=str(manifests[1]),
        )
    if manifests:
        return _named_files(manifests[0], files)
    for path in files:
        start = _start(path)
        if start.startswith(_ORC):
            raise _no_orc(path)
        if start.startswith(_GZIP) or path.suffix.lower() == ".csv":
            raise InvalidInput(
                f"{path.name} is a report in CSV, which has no names of columns",
                cause="The names are in the file manifest.json of the report.",
                remedy="Name the file manifest.json of the report, too.",
                subject=str(path),
            )
    return ReportFiles(tuple(files))


def _start(path: Path) -> bytes:
    with translate_os_errors(path, "read"), path.open("rb") as file:
        return file.read(4)


def _no_orc(path: Path) -> InvalidInput:
    return InvalidInput(
        "A report in the format Apache ORC cannot be read",
        cause="Parquet and CSV can be read.",
        remedy=_REMEDY,
        subject=str(path),
    )


def _named_files(manifest: Path, paths: Sequence[Path]) -> ReportFiles:
    content = _content(manifest)
    form = str(content["fileFormat"]).lower()
    if form == "orc":
        raise _no_orc(manifest)
    if form not in {"parquet", "csv"}:
        raise InvalidInput(
            f"A report in the format {content['fileFormat']} cannot be read",
            cause="Parquet and CSV can be read.",
            remedy=_REMEDY,
            subject=str(manifest),
        )
    wanted = {str(file["key"]).rpartition("/")[2]: file for file in content["files"]}
    found = {path.name: path for path in (*_beside(manifest, wanted), *paths)}
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        more = f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
        raise InvalidInput(
            f"The report is incomplete: {len(missing):,} of {format_counted(len(wanted), 'file')} "
            f"{'is' if len(missing) == 1 else 'are'} missing",
            cause=f"The manifest names {', '.join(missing[:_SHOWN])}{more}. Keys in missing files "
            "would look deleted.",
            remedy="Download all files that the manifest names.",
            subject=str(manifest),
        )
    for name, file in wanted.items():
        _check_content(found[name], file)
    columns = _csv_columns(str(content["fileSchema"])) if form == "csv" else ()
    chosen = tuple(found[name] for name in sorted(wanted))
    unused = sum(path.name not in wanted for path in paths)
    return ReportFiles(chosen, columns, str(content["sourceBucket"]), complete=True, unused=unused)


def _content(manifest: Path) -> dict[str, Any]:
    with translate_os_errors(manifest, "read"):
        data = manifest.read_bytes()
    with suppress(*UNREADABLE):  # any other content is no manifest
        content = json.loads(data)
        have_keys = all(file["key"] for file in content["files"])
        if have_keys and all(content[name] for name in _MEMBERS):
            return dict(content)
    raise InvalidInput(
        f"{manifest.name} is not the manifest of a report of S3 Inventory",
        cause=f"It needs the members {', '.join(_MEMBERS)}.",
        remedy="Use the file manifest.json that S3 has stored with the report.",
        subject=str(manifest),
    )


def _beside(manifest: Path, wanted: Mapping[str, Any]) -> list[Path]:
    """Return the named files that are where a download of the report has stored them."""
    folder = manifest.resolve().parent
    places = (folder, folder / "data", folder.parent / "data")
    return [place / name for name in wanted for place in places if (place / name).is_file()]


def _check_content(path: Path, file: Mapping[str, Any]) -> None:
    with translate_os_errors(path, "read"), path.open("rb") as opened:
        digest = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        size = opened.tell()
    same_size = not file.get("size") or int(file["size"]) == size
    if same_size and str(file.get("MD5checksum") or digest).lower() == digest:
        return
    raise InvalidInput(
        f"{path.name} is not the file that the manifest names",
        cause=f"It has {format_counted(size, 'byte')}, or another content than the MD5 in the manifest.",
        remedy="Download the file again.",
        subject=str(path),
    )


def _csv_columns(schema: str) -> tuple[str, ...]:
    """Return the names of Parquet for a schema such as `Bucket, Key, IsLatest, ETag`."""
    names = [name.strip() for name in schema.split(",")]
    return tuple(_NAMES.get(name, _WORD.sub("_", name).lower()) for name in names)
