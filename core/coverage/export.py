"""Files with the gaps of streams: CSV or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from core.coverage.gaps import COLUMNS, Gap
from core.errors import InvalidInput
from core.local.atomic import translate_os_errors
from core.sql.csv_text import csv_line
from core.sql.new_file import new_file


def export_gaps(gaps: Sequence[Gap], path: Path, *, overwrite: bool = False) -> None:
    """Write gaps to a file, as CSV or JSON by its ending.

    A name from a key may begin like a formula of a spreadsheet; such texts get an apostrophe in CSV.

    Raises:
        InvalidInput: the file has another ending.
        AlreadyExists: the file exists and must not be overwritten.
        LocalIOError: it cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in {".csv", ".json"}:
        raise InvalidInput(
            f"The format of {path.name} is unknown", remedy="Use a name that ends in .csv or .json."
        )
    rows = [gap.row() for gap in gaps]
    if suffix == ".csv":
        lines = [COLUMNS, *(tuple(row.values()) for row in rows)]
        text = "".join(csv_line(line, formula_safe=True) for line in lines)
    else:
        text = json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
    with new_file(path, overwrite=overwrite) as temporary, translate_os_errors(path, "written"):
        temporary.write_text(text, encoding="utf-8", newline="")
