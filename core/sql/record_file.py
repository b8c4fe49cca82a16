"""Files with records, as CSV or JSON by their ending."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from core.errors import InvalidInput
from core.local.atomic import translate_os_errors
from core.sql.csv_text import csv_line
from core.sql.new_file import check_free, new_file

_SUFFIXES = frozenset({".csv", ".json"})


def check_record_file(path: Path, *, overwrite: bool) -> None:
    """Check the name of a file before the records are collected.

    Args:
        path: the file.
        overwrite: whether it may exist.

    Raises:
        InvalidInput: its ending is neither .csv nor .json.
        AlreadyExists: it exists and must not be overwritten.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise InvalidInput(
            f"The format of {path.name} is unknown", remedy="Use a name that ends in .csv or .json."
        )
    check_free(path, overwrite=overwrite)


def write_records(
    columns: Sequence[str],
    records: Iterable[Sequence[object]],
    path: Path,
    *,
    overwrite: bool = False,
) -> None:
    """Write records to a file, as CSV or JSON by its ending.

    A name from a key may begin like a formula of a spreadsheet; such texts get an apostrophe in
    CSV.

    Args:
        columns: the names of the fields.
        records: the fields of each record, in the order of `columns`.
        path: the file.
        overwrite: whether it may exist.

    Raises:
        InvalidInput: the file has another ending.
        AlreadyExists: the file exists and must not be overwritten.
        LocalIOError: it cannot be written.
    """
    check_record_file(path, overwrite=overwrite)
    if path.suffix.lower() == ".csv":
        text = "".join(csv_line(line, formula_safe=True) for line in (columns, *records))
    else:
        values = [dict(zip(columns, record, strict=True)) for record in records]
        text = json.dumps(values, ensure_ascii=False, indent=2) + "\n"
    with new_file(path, overwrite=overwrite) as temporary, translate_os_errors(path, "written"):
        temporary.write_text(text, encoding="utf-8", newline="")
