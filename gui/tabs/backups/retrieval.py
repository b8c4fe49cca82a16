"""The retrieval of an archived backup: cost and time are shown before anything is requested."""

from __future__ import annotations

from functools import partial
from typing import Any

from core.errors import Archived, StorageError
from core.model.backup import Backup
from core.model.thaw import ThawReport
from core.units import format_cost, format_counted, format_moment, format_size
from gui.dialogs.confirm import ask
from gui.tabs.base import Tab


def show_error_with_retrieval(tab: Tab, backup: Backup, error: StorageError) -> bool:
    """Show the error of an archived backup with a button for its retrieval.

    Returns:
        Whether it is the error of an archived backup; others are not shown.
    """
    if not isinstance(error, Archived):
        return False
    tab.banner.show_error(error, partial(_estimate, tab, backup), "Request retrieval…")
    return True


def _arguments(backup: Backup) -> dict[str, Any]:
    return {"backup_id": backup.id, "table": backup.table}


def _estimate(tab: Tab, backup: Backup) -> None:
    tab.bulk(
        f"Estimate the retrieval of the backup {backup.id}",
        "backup.plan_thaw",
        _arguments(backup),
        partial(_confirm, tab, backup),
        latest="backups/thaw",
    )


def _confirm(tab: Tab, backup: Backup, plan: ThawReport) -> None:
    if not plan.archived:
        _show_state(tab, plan)
        return
    count, size = format_counted(plan.archived, "object"), format_size(plan.size)
    days = format_counted(plan.days, "day")
    ask(
        tab,
        "Request the retrieval of this backup?",
        f"{count} with {size} in {', '.join(plan.classes)}. It takes {plan.duration}. The "
        f"estimated cost is {format_cost(plan.cost)}, with the {plan.prices}; your prices may differ. The "
        f"backup can then be read for {days}. Other speeds: "
        f"strongroom backups {backup.table} --thaw {backup.id} --tier Bulk.",
        lambda: _request(tab, backup),
        button="Request retrieval",
    )


def _request(tab: Tab, backup: Backup) -> None:
    tab.bulk(
        f"Request the retrieval of the backup {backup.id}",
        "backup.thaw",
        _arguments(backup),
        partial(_show_state, tab),
        target=backup.key,
        command=tab.command("backup.thaw", backup.table, options={"--thaw": backup.id}),
    )


def _show_state(tab: Tab, report: ThawReport) -> None:
    if report.ready:
        tab.banner.show_good(
            f"The backup {report.backup_id} can be read until {format_moment(report.until)}."
            if report.until
            else f"The backup {report.backup_id} can be read."
        )
        return
    count = format_counted(report.requested, "object")
    tab.banner.show_info(
        f"The retrieval of the backup {report.backup_id} is in progress: {count}. Select the backup "
        "again later."
    )
