"""Long rows are refused with the reason before they need more than 300 MB, in each form."""

import json

import pytest
from helpers.folders import load_folder

from core.collect import long_rows, reading
from core.collect.long_rows import check_row
from core.collect.rows import UnreadableError

MANY = [[1, 2.5]] * 60


@pytest.fixture(autouse=True)
def little_memory(monkeypatch):
    monkeypatch.setattr(reading, "STORED_BYTES", 0)
    monkeypatch.setattr(long_rows, "_MOST_MEMORY", 12_000)


def test_rows_with_many_values_are_refused_and_long_texts_are_not(collected):
    row, text = {"a": 1, "values": MANY}, {"a": 1, "text": "x," * 500 + '\\"'}
    for name, document in (("row", row), ("text", text)):
        collected.put(f"f/{name}.json", json.dumps(document).encode())
        collected.put(f"f/{name}s.json", json.dumps([document, {"a": 2}]).encode())
        collected.put(f"f/{name}s.jsonl", (json.dumps(document) + "\n{}\n").encode())
        nested = {"data": [document, {"a": 2}], "name": "n"}
        collected.put(f"f/{name}s-in-an-object.json", json.dumps(nested).encode())
    report = load_folder(collected, folder="f/", cache=False)
    reasons = {each.key: each.reason for each in report.problems}
    refused = {key for key, reason in reasons.items() if "do not fit in memory" in reason}
    assert refused == {"f/row.json", "f/rows.json", "f/rows.jsonl", "f/rows-in-an-object.json"}
    assert "about 121 values" in reasons["f/row.json"]


def test_commas_are_counted_across_blocks(monkeypatch):
    monkeypatch.setattr(long_rows, "MIB", 3)
    monkeypatch.setattr(long_rows, "_MOST_MEMORY", 1)
    with pytest.raises(UnreadableError, match="about 3 values"):
        check_row(rb'["\\\",,\\\\", "a,\",", 1]')
