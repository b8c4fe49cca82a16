"""Checks of a folder before its objects are read: it has some, and the disk has space for them."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.collect.catalogued import not_listed
from core.collect.report import FolderPlan
from core.errors import LimitExceeded, NotFound
from core.units import format_counted, format_size

#: Staged rows, the table and its file are on the disk at the same time.
_DISK_FACTOR = 4


def check_objects(planned: FolderPlan, refusal: str) -> None:
    """Check that a folder has objects that can be queried.

    Args:
        planned: the objects.
        refusal: why a folder that the catalogue has as empty could not be listed again.

    Raises:
        NotFound: it has none.
    """
    if planned.objects:
        return
    summary = f"{planned.folder or 'The bucket'} has no objects for a query"
    if refusal:
        raise not_listed(summary, planned.listed, refusal, planned.folder)
    count = format_counted(planned.other, "object")
    others = f"It has {count} of other formats. " if planned.other else ""
    raise NotFound(
        summary,
        cause=f"{others}Objects end with .csv, .tsv, .json, .jsonl, .ndjson or .parquet, also "
        "with .gz or .zst after that.",
        remedy="Choose another folder.",
        subject=planned.folder,
    )


def check_space(planned: FolderPlan, place: Path) -> None:
    """Check that the disk has space for the objects and their table.

    Raises:
        LimitExceeded: it has too little.
    """
    free = shutil.disk_usage(place).free
    if planned.size * _DISK_FACTOR > free:
        raise LimitExceeded(
            "The folder is too large for this computer",
            cause=f"Its objects have {format_size(planned.size)}, and {format_size(free)} are free.",
            remedy="Query a smaller folder, or use Amazon Athena.",
            subject=planned.folder,
        )
