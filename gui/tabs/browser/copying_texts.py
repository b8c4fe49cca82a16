"""Texts about the outcome of copies and moves, and of the undo of a move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.transfer.values import TransferReport
from core.units import format_count, format_counted
from gui.tabs.browser.copying_dialog import CopyTarget

if TYPE_CHECKING:  # imported with the engine's operation
    from core.transfer.moved import MoveReport
    from core.transfer.undo_move import UndoReport


def result_text(target: CopyTarget, report: TransferReport, *, move: bool) -> str:
    """Return what a copy or move has done, as sentences."""
    planned = format_counted(report.planned, "object")
    done = format_count(len(report.done))
    sentences = [
        f"{done} of {planned} moved to {target.place}."
        if move
        else f"{done} of {planned} copied to {target.place}."
    ]
    if verified := report.verified_text():
        sentences.append(f"Checked: {verified}.")
    if report.skipped:
        skipped = format_counted(len(report.skipped), "object")
        sentences.append(f"{skipped} skipped because the keys exist.")
    if report.failed:
        sentences.append(f"{format_counted(len(report.failed), 'object')} failed.")
    if report.cancelled:
        sentences.append(f"{format_counted(len(report.cancelled), 'object')} cancelled.")
    return " ".join(sentences)


def unanswered_texts(report: MoveReport) -> tuple[str, str]:
    """Return how many requests of a move were not answered, and what an undo does; empty for none."""
    text = report.unanswered_text()
    if not text:
        return "", ""
    return f"{text}.", "An undo inspects these objects, and restores those that were deleted."


def problem_text(report: TransferReport) -> str:
    """Return the first failure of a copy or move with its remedy; empty without a failure."""
    if not report.failed:
        return ""
    first = report.failed[0]
    return f"First {first.key}: {first.reason}. {first.remedy}"


def undone_texts(report: UndoReport) -> tuple[str, str]:
    """Return what the undo of a move has done, and the first failure; empty without a failure."""
    sentences = [f"{format_counted(len(report.restored), 'object')} moved back."]
    if report.present:
        sentences.append(f"{format_counted(len(report.present), 'object')} had not been removed.")
    left = (*report.failed, *report.remaining)
    if not left:
        return " ".join(sentences), ""
    sentences.append(
        f"{format_count(len(report.failed))} could not be restored; "
        f"{format_count(len(report.remaining))} copies could not be removed."
    )
    return " ".join(sentences), f"First {left[0].key}: {left[0].message or left[0].code}"
