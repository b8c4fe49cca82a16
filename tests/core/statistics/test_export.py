"""Files with statistics: the same records as CSV and JSON, of the bucket or of one folder."""

import csv
import json
from dataclasses import replace

import pytest

from core.errors import AlreadyExists, InvalidInput
from core.objects.pages import Columns
from core.statistics.export import COLUMNS, export_statistics
from core.statistics.levels import level_of
from core.statistics.totals import Totals

KEYS = {
    "=cmd|' /C calc'!A0/x": 30,
    "logs/app/a.log": 500,
    "logs/db/b.log": 20,
    "market-data/ohlcv/BTC-USD/1h/2024/01/15/a.json": 4000,
}


def scanned(prefix=""):
    totals, found = Totals("bucket", prefix), [key for key in KEYS if key.startswith(prefix)]
    times, classes = ["2024-02-01T00:00:00Z"] * len(found), ["STANDARD"] * len(found)
    sizes = [KEYS[key] for key in found]
    totals.add(Columns(found, sizes, times, classes, [""] * len(found), []))
    return totals.snapshot(list_calls=1, partial=False)


def written(found, path, **options):
    count = export_statistics(found, path, **options)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file) if path.suffix == ".csv" else json.load(file))
    assert len(rows) == count
    return rows


def sums_of(rows, group):
    return {
        row["name"]: (int(row["objects"]), int(row["size"]))
        for row in rows
        if row["group"] == group
    }


def test_both_formats_have_all_groups_of_the_bucket(tmp_path):
    found = scanned()
    rows = written(found, tmp_path / "a.json")
    assert [tuple(row) for row in rows] == [COLUMNS] * len(rows)
    assert sums_of(rows, "total") == {None: (4, 4550)}
    groups = {"tops": "folder", "kinds": "kind", "symbols": "symbol", "classes": "class", "months": "month",
              "sizes": "size"}  # fmt: skip
    for name, group in groups.items():
        shares = getattr(level_of(found, ""), name)
        assert (
            sums_of(rows, group) == {each.name: (each.objects, each.size) for each in shares} != {}
        )
    assert {row["name"]: row["size"] for row in rows if row["group"] == "object"} == KEYS
    assert {row["modified"] for row in rows if row["group"] == "object"} == {"2024-02-01T00:00:00Z"}
    assert {(row["bucket"], row["prefix"]) for row in rows} == {("bucket", "")}
    texts = [
        {name: str("" if value is None else value) for name, value in row.items()} for row in rows
    ]
    found_csv = written(found, tmp_path / "a.csv")
    assert [{**row, "name": row["name"].removeprefix("'")} for row in found_csv] == texts


def test_a_name_is_no_formula_of_a_spreadsheet(tmp_path):
    names = {row["name"] for row in written(scanned(), tmp_path / "a.csv")}
    assert not [name for name in names if name.startswith("=")]
    assert "'=cmd|' /C calc'!A0/x" in names


@pytest.mark.parametrize("prefix", ["", "logs/"])
def test_one_folder_has_its_own_sums(tmp_path, prefix):
    rows = written(scanned(prefix), tmp_path / "a.csv", folder="logs/app")
    assert sums_of(rows, "total") == {"": (1, 500)}
    assert sums_of(rows, "object") == {"logs/app/a.log": (1, 500)}
    assert {row["prefix"] for row in rows} == {"logs/app/"}
    all_rows = written(scanned(prefix), tmp_path / "b.csv")
    assert {row["prefix"] for row in all_rows} == {prefix}


def test_a_part_of_a_scan_is_not_exported(tmp_path):
    with pytest.raises(ValueError, match="part"):
        export_statistics(replace(scanned(), partial=True), tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


def test_a_file_is_replaced_only_if_that_is_allowed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(AlreadyExists):
        export_statistics(scanned(), path)
    assert path.read_text(encoding="utf-8") == "mine"
    export_statistics(scanned(), path, overwrite=True)
    with pytest.raises(InvalidInput):
        export_statistics(scanned(), tmp_path / "a.xlsx")
