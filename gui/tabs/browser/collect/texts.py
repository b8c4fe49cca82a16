"""What the page shows of a plan and of a collection: texts, and the table of problems."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from core.units import (
    format_age,
    format_count,
    format_counted,
    format_duration,
    format_estimated_cost,
    format_size,
)
from gui.models.text_rows import TextRows
from gui.widgets.labels import shown

if TYPE_CHECKING:
    from core.collect.report import CollectReport, Plan, Problem
    from core.work import Progress


class ProblemsModel(TextRows):
    """The objects that are missing from the table, completely or in part."""

    heads = ("Object", "Reason", "Rows")
    numbers = frozenset({2})

    def clear(self) -> None:
        """Show no problems."""
        self._replace([])

    def show_problems(self, problems: Sequence[Problem]) -> None:
        """Show the problems of a collection or of folders."""
        self._replace([
            (
                (each.key, each.reason, each.rows or 0),
                (shown(each.key), each.reason, "" if each.rows is None else format_count(each.rows)),
            )
            for each in problems
        ])  # fmt: skip


def plan_text(found: Plan) -> str:
    """Return what will be read and what it costs."""
    objects, size = format_counted(found.objects, "object"), format_size(found.size)
    gets = format_counted(found.gets, "GET request")
    texts = [f"{objects}, {size}: {gets}, {format_estimated_cost(found.cost)}."]
    if found.cached:
        texts.append(f"{format_count(found.cached)} are in the cache of this computer.")
    if found.archived:
        texts.append(f"{format_count(found.archived)} are archived and cannot be read.")
    if found.other:
        texts.append(
            f"With other names than these files have, and omitted: {format_count(found.other)}."
        )
    if found.listed is not None:
        texts.append(catalog_text(found.listed))
    if found.without:
        texts.append(f"Without objects: {', '.join(map(shown, found.without))}.")
    return " ".join(texts)


def catalog_text(listed: datetime) -> str:
    """Return the sentence about keys that were not listed for a plan."""
    return f"Keys from the catalogue, {format_age(listed)}: Refresh lists them again."


def report_text(report: CollectReport) -> str:
    """Return what was read and what was omitted."""
    objects, gets = (
        format_counted(report.plan.objects, "object"),
        format_counted(report.gets, "GET request"),
    )
    texts = [f"{objects} and {gets} in {format_duration(report.seconds)}."]
    if report.repeated or report.revised:
        texts.append(
            f"{format_counted(report.repeated, 'repeated row')} omitted, "
            f"{format_count(report.revised)} replaced by later objects."
        )
    if report.conflicting:
        texts.append(
            f"{format_counted(report.conflicting, 'row')} replaced by later rows of the same objects."
        )
    if report.plan.listed is not None:
        texts.append(catalog_text(report.plan.listed))
    return " ".join([*texts, *report.notes])


def progress_text(progress: Progress) -> str:
    """Return how far a plan (without a total) or the reading of its objects is."""
    if progress.total is None:
        return f"Listing: {format_counted(progress.done, 'object')}"
    if progress.unit == "bytes":
        return f"Reading: {format_size(progress.done)} of {format_size(progress.total)}"
    done, total = format_count(progress.done), format_counted(progress.total, "object")
    return f"Reading: {done} of {total}"
