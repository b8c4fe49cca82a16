"""The dialogs of the Browser tab, opened with plausible content."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from PySide6.QtWidgets import QDialog, QWidget

from core.lifecycle.forecast import Forecast
from core.objects.difference import Difference
from core.objects.properties import ObjectProperties
from core.objects.versions import ObjectVersion
from core.preview import Table
from core.preview.table_rows import TableRows
from core.transfer.relocation import Relocation
from gui.context import Context
from gui.tabs.browser.copying_dialog import CopyDialog, CopyTarget
from gui.tabs.browser.edits_dialog import EditDialog
from gui.tabs.browser.loading import Plan
from gui.tabs.browser.properties_dialog import ObjectFacts, PropertiesDialog
from gui.tabs.browser.versions_dialog import VersionsDialog
from gui.views.statistics_dialog import StatisticsDialog

_DAY = datetime(2024, 1, 15, 10, tzinfo=UTC)
_KEYS = [f"market-data/ohlcv/BTC-USD/1h/2024-01-15T{hour:02}:00:00Z.json" for hour in range(24)]


def _copy(parent: QWidget, _context: Context) -> QDialog:
    dialog = CopyDialog(parent, CopyTarget("tentimecrypto", "archive/"), move=True)
    dialog.add_profiles(["staging", "other"])
    targets = tuple(f"archive/{key}" for key in _KEYS)
    plan = Relocation(tuple(_KEYS), targets, (1_200,) * len(_KEYS), ("",) * len(_KEYS), (1, 3))
    dialog.show_plan(dialog.target, plan)
    return dialog


_VERSIONS = (
    ObjectVersion("b" * 32, _DAY + timedelta(days=2), 0, current=True, marker=True),
    ObjectVersion("a" * 32, _DAY, 1_200, current=False, marker=False, storage_class="STANDARD"),
    ObjectVersion(
        "9" * 32,
        _DAY - timedelta(days=9),
        900,
        current=False,
        marker=False,
        storage_class="STANDARD_IA",
    ),
)


def _properties(parent: QWidget, _context: Context) -> QDialog:
    dialog = PropertiesDialog(parent, _KEYS[0])
    found = ObjectProperties(
        _KEYS[0], 1_200, _DAY, "d41d8cd98f00b204e9800998ecf8427e", "STANDARD", "a" * 32,
        {"Content-Type": "application/json"},
        {"symbol": "BTC-USD", "timeframe": "1h", "sha256": "9f2c" * 16},
        (("team", "research"),), "aws:kms", "arn:aws:kms:eu-west-1:123456789012:key/1234",
        (("CRC64NVME", "AAAAAAAAAAA="),),
    )  # fmt: skip
    due = (Forecast("archive", _DAY + timedelta(days=90), "GLACIER"),)
    dialog.show_facts(ObjectFacts(found, _VERSIONS, due, versioned=True))
    dialog.headers["Cache-Control"].setText("no-cache")
    return dialog


def _edit(parent: QWidget, _context: Context) -> QDialog:
    dialog = EditDialog(parent)
    dialog.storage_class.setCurrentIndex(2)
    dialog.headers[1].choice.setCurrentIndex(2)
    dialog.metadata.setPlainText("team=desk")
    dialog.show_plan(Plan(tuple(_KEYS), (1_200,) * len(_KEYS)), versioned=False)
    return dialog


def _versions(parent: QWidget, _context: Context) -> QDialog:
    dialog = VersionsDialog(parent, _KEYS[0])
    dialog.show_versions(_VERSIONS)
    dialog.show_difference(
        Difference(("- data[2].close: 42017.50", "+ data[2].close: 42017.5"), "JSON values")
    )
    return dialog


def _statistics(parent: QWidget, _context: Context) -> QDialog:
    columns = ("price", "a column with a name that is longer than its values")
    cells = [("42017.50", "x" * 2_000), ("42017.50000000000000000001", ""), ("42017.50", "y")]
    rows = TableRows(Table(columns, cells, (True, False)))
    dialog = StatisticsDialog(parent, columns)
    dialog.wanted.connect(lambda column: dialog.show_statistics(rows.statistics(column)))
    dialog.choose(0)
    dialog.show_statistics(rows.statistics(0))
    return dialog


BROWSER_MAKERS: dict[str, Callable[[QWidget, Context], QDialog]] = {
    "CopyDialog": _copy,
    "EditDialog": _edit,
    "PropertiesDialog": _properties,
    "StatisticsDialog": _statistics,
    "VersionsDialog": _versions,
}
