"""The export of the Statistics tab: figures of the folder shown as CSV or JSON, or its picture."""

import csv
import json
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog

from core.errors import InvalidInput, LocalIOError
from core.statistics.totals import Totals
from core.units import utc_now
from gui.tabs.statistics.export import write_file


@pytest.fixture
def scanned(tab, qtbot):
    tab.scan.click()
    qtbot.waitUntil(lambda: tab._task is None and not tab.busy, timeout=30_000)
    return tab


def export(tab, qtbot, path):
    tab.banner.clear()
    tab.export_to(str(path))
    qtbot.waitUntil(lambda: path.name in tab.banner.text, timeout=20_000)


def test_the_button_is_disabled_with_the_reason(tab, qtbot):
    assert not tab.export.isEnabled()
    assert "Scan first" in tab.export.toolTip()
    assert "Scan first" in tab.export.accessibleDescription()
    tab.scan.click()
    assert not tab.export.isEnabled()
    assert tab.export.reason == "A scan is running."
    qtbot.waitUntil(lambda: tab._task is None, timeout=30_000)
    assert tab.export.isEnabled()
    assert tab.export.accessibleName() == "Export"
    assert "CSV" in tab.export.accessibleDescription()
    part = replace(Totals("b", "").snapshot(list_calls=1, partial=True), finished=utc_now())
    for found, reason in ((part, "interrupted"), (replace(part, partial=False), "no objects")):
        tab._show(found)
        tab._show_state()
        assert not tab.export.isEnabled()
        assert reason in tab.export.reason


def test_the_figures_of_the_folder_shown_are_exported(scanned, qtbot, tmp_path):
    scanned.open_target("market-data/ohlcv")
    level = scanned._level
    export(scanned, qtbot, tmp_path / "a.csv")
    export(scanned, qtbot, tmp_path / "a.json")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file))
    assert (first["prefix"], int(first["objects"])) == ("market-data/ohlcv/", level.objects)
    rows = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    symbols = {row["name"]: row["size"] for row in rows if row["group"] == "symbol"}
    assert symbols == {share.name: share.size for share in level.symbols}
    assert scanned.banner.text.startswith(f"{len(rows)} records written")


def test_the_picture_has_the_tiles_at_twice_their_size(scanned, qtbot, tmp_path):
    export(scanned, qtbot, tmp_path / "a.png")
    picture = QImage(str(tmp_path / "a.png"))
    assert picture.size() == scanned.treemap.size() * 2
    # How many tiles there are depends on the content of the bucket, which other tests share.
    across = range(0, picture.width(), 5)
    found = {picture.pixel(x, y) for x in across for y in range(0, picture.height(), 5)}
    assert len(found) > 3


def test_a_picture_without_size_replaces_no_file(qapp, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"earlier")
    found = Totals("b", "").snapshot(list_calls=1, partial=False)
    with pytest.raises(LocalIOError, match="picture could not be made"):
        write_file(found, "", path, QImage())
    assert path.read_bytes() == b"earlier"


def test_a_file_that_cannot_be_written_is_an_error(scanned, qtbot, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    for name in ("a.csv", "a.png"):
        scanned.banner.clear()
        scanned.export_to(str(tmp_path / "file" / name))
        qtbot.waitUntil(lambda: scanned.banner.failed, timeout=20_000)


def test_the_keyboard_opens_the_dialog_and_a_scan_in_the_meantime_is_respected(
    scanned, qtbot, tmp_path
):
    scanned.export.setFocus()
    qtbot.keyClick(scanned.export, Qt.Key.Key_Return)
    (dialog,) = scanned.findChildren(QFileDialog)
    assert dialog.acceptMode() is QFileDialog.AcceptMode.AcceptSave
    assert dialog.nameFilters() == [
        "CSV files (*.csv)", "JSON files (*.json)", "PNG pictures (*.png)",
    ]  # fmt: skip
    scanned._found = replace(scanned._found, partial=True)
    dialog.fileSelected.emit(str(tmp_path / "a.csv"))
    assert "after the scan" in scanned.banner.text
    dialog.reject()
    qtbot.waitUntil(lambda: not scanned.findChildren(QFileDialog))
    assert not (tmp_path / "a.csv").exists()


def test_the_error_about_another_format_names_that_of_the_picture_too(tmp_path):
    found = Totals("b", "").snapshot(list_calls=1, partial=False)
    with pytest.raises(InvalidInput) as caught:
        write_file(found, "", tmp_path / "figures.xlsx", QImage())
    assert caught.value.summary == "The format of figures.xlsx is unknown"
    assert caught.value.remedy == "Use a name that ends in .csv, .json or .png."
    assert list(tmp_path.iterdir()) == []
