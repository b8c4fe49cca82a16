"""The dialogs of a restore of several tables, with plausible content."""

from collections.abc import Callable
from datetime import UTC, datetime

from PySide6.QtWidgets import QDialog, QWidget

from core.errors import Conflict
from core.model.backup import Backup, Origin
from core.model.database import Dependant
from core.model.restore import Difference, RestorePreview, RestoreReport
from core.model.selection import Skipped
from core.model.table_restores import TablesPlan, TablesPreview, TablesReport
from core.model.tables import TableSchema
from gui.context import Context
from gui.tabs.backups.sources import Source
from gui.tabs.backups.together_dialog import TogetherDialog
from gui.tabs.backups.together_models import TogetherOutcome
from gui.tabs.backups.together_requests import TogetherChoices
from gui.tabs.backups.together_result import TogetherResult

_TAKEN = datetime(2024, 1, 15, 10, tzinfo=UTC)
_ORIGIN = Origin("SQLite", "trading.db", "host", "/data/trading.db")
_TABLES = ("users", "orders", "order_fills_of_the_archive", "portfolio", "audit_log")
_BACKUPS = tuple(
    Backup(
        f"3f7a9c2b4d{number:02}", table, _TAKEN, 40_960, f"backups/{table}/_manifest.json",
        rows=120_000 * number + 17, source=str(_ORIGIN), origin=_ORIGIN, snapshot="s1",
    )
    for number, table in enumerate(_TABLES)
)  # fmt: skip
_SKIPPED = (Skipped("sessions", "There is no backup of it up to this time."),)
_NOTE = (
    "audit_log: a newer backup, 8c1d5e9a7b3f of 16 Jan 2024 10:00:00 UTC, is not used, because it "
    "is not of the same snapshot as the other tables."
)
_DRIFT = ("column note was added since the backup", "column price had the type REAL")


def _preview(number: int, backup: Backup) -> RestorePreview:
    """Return a comparison: equal, changed, with another schema, with lost references, or new."""
    present = None if number == 4 else 120_000 * number + 20
    counts = ((0, 0, 0), (12, 3, 1), (0, 1_204, 9), (2, 0, 0), (480_017, 0, 0))[number]
    return RestorePreview(
        backup, "/data/trading.db", backup.table, number != 4, present, backup.rows or 0,
        Difference(*counts, by_key=("id",)), TableSchema(backup.table, (), owner="trader"),
        drift=_DRIFT if number == 2 else (), orphans=(("sessions", 4),) if number == 3 else (),
        dependants=(Dependant("view", "open_orders"),) if number == 1 else (),
    )  # fmt: skip


_PREVIEW = TablesPreview(
    tuple(_preview(number, backup) for number, backup in enumerate(_BACKUPS)), _SKIPPED, (_NOTE,)
)


def preview_dialog(parent: QWidget, _context: Context | None = None) -> TogetherDialog:
    """Return the dialog with the comparison of five tables; a sixth one has no backup."""
    scopes = (("The 6 selected ones: users, orders, portfolio…", _TABLES), ("All tables", None))
    source = Source("/data/trading.db")
    dialog = TogetherDialog(parent, TogetherChoices(scopes, (source,), source.address))
    plan = TablesPlan(_BACKUPS, _SKIPPED, (_NOTE,), one_transaction=True)
    dialog.plan_wanted.connect(lambda request: dialog.show_plan(request, plan, wait=True))
    dialog.compare_wanted.connect(lambda request, _plan: dialog.show_preview(request, _PREVIEW))
    dialog.restore_wanted.connect(lambda *_request: dialog.show_restoring())
    dialog.stop_wanted.connect(lambda: dialog.show_stopped("The comparison was stopped."))
    dialog.plan()
    dialog.compare()
    return dialog


def result_dialog(parent: QWidget, _context: Context | None = None) -> TogetherResult:
    """Return the result of a restore whose third table failed; one of two was undone."""
    reports = tuple(
        RestoreReport(
            backup, "/data/trading.db", backup.table, backup.rows or 0,
            f"{backup.table}__before_20240115T100000Z", "verified (SHA-256)", 1.5,
            ("trigger log is not restored",) * number,
        )
        for number, backup in enumerate(_BACKUPS[:2])
    )  # fmt: skip
    error = Conflict(
        "Rows would refer to missing rows",
        cause="Foreign keys to or from order_fills_of_the_archive break: 4 in sessions.",
        remedy="Allow it explicitly.",
    )
    report = TablesReport(reports, 4.2, ("a_b of a",), _TABLES[2:])
    outcome = TogetherOutcome(
        "/data/trading.db", _BACKUPS, report, _SKIPPED, error, undone={reports[0].kept}
    )
    dialog = TogetherResult(parent, outcome)
    dialog.table.selectRow(1)

    def undo(restored: RestoreReport) -> None:
        outcome.undone.add(restored.kept)
        dialog.refresh()

    dialog.undo_wanted.connect(undo)
    dialog.undo_all_wanted.connect(lambda _reports: dialog.set_busy(busy=True))
    dialog.preview_wanted.connect(dialog.accept)  # as the tab does before it opens the preview
    return dialog


TOGETHER_MAKERS: dict[str, Callable[[QWidget, Context], QDialog]] = {
    "TogetherDialog": preview_dialog,
    "TogetherResult": result_dialog,
}
