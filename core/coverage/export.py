"""Files with the gaps of streams: CSV or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.coverage.gaps import COLUMNS, Gap
from core.sql.record_file import write_records


def export_gaps(gaps: Sequence[Gap], path: Path, *, overwrite: bool = False) -> None:
    """Write gaps to a file, as CSV or JSON by its ending.

    Raises:
        InvalidInput: the file has another ending.
        AlreadyExists: the file exists and must not be overwritten.
        LocalIOError: it cannot be written.
    """
    records = [tuple(gap.row().values()) for gap in gaps]
    write_records(COLUMNS, records, path, overwrite=overwrite)
