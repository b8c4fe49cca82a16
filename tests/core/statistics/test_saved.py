"""Statistics are stored completely or not at all, also by two processes at once."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from helpers.big_statistics import big_statistics

from core.local.state.database import state_database
from core.local.state.statistics_parts import decode, encode
from core.statistics.saved import load, load_entire, save

ROOT = Path(__file__).resolve().parents[3]


def test_a_large_result_is_divided_and_read_back():
    found = big_statistics(folders=1234, details=45)
    parts = encode(found)
    assert len(parts) == 1 + 3 + 3 + 7  # totals, folders, details, and the other lists
    assert decode(parts) == found
    save("p", found)
    assert load("p", "b") == found
    assert load("another", "b") is load("p", "another") is None


def test_a_newer_result_replaces_all_parts_of_the_former_one():
    save("p", big_statistics(folders=1234, details=45))
    smaller = big_statistics(folders=3, details=0)
    save("p", smaller)
    assert load("p", "b") == smaller
    assert state_database().rows("SELECT count(*) FROM statistics") == [(len(encode(smaller)),)]


def test_the_results_of_the_bucket_and_of_the_last_folder_are_stored():
    entire = big_statistics(folders=3, details=0)
    later = entire.finished + timedelta(hours=1)
    folder = replace(entire, prefix="logs/", finished=later)
    save("p", entire)
    save("p", replace(folder, prefix="other/"))
    save("p", folder)
    assert load("p", "b") == folder
    assert load_entire("p", "b") == entire
    newer = replace(entire, finished=later + timedelta(hours=1))
    save("p", newer)
    assert load("p", "b") == newer
    assert load_entire("another", "b") is None


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM statistics WHERE part = 2",
        "DELETE FROM statistics WHERE part = 0",
        "UPDATE statistics SET content = x'00' WHERE part = 1",
        "UPDATE statistics SET content = x'00' WHERE part = 0",
    ],
)
def test_a_result_that_lacks_a_part_is_not_shown(damage):
    save("p", big_statistics(folders=1234, details=45))
    state_database().execute(damage)
    assert load("p", "b") is None


SAVE = """
import sys
from helpers.big_statistics import big_statistics
from core.statistics.saved import load, save
mine, theirs = (big_statistics(folders=int(each), details=20) for each in sys.argv[1:3])
print("ready", flush=True)
sys.stdin.readline()
for _round in range(20):
    save("p", mine)
    assert load("p", "b") in (mine, theirs)
"""


def test_two_processes_store_and_read_complete_results():
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SAVE, mine, theirs], cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for mine, theirs in (("700", "1300"), ("1300", "700"))
    ]  # fmt: skip
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.communicate("go\n", timeout=60)
        assert process.returncode == 0
    assert load("p", "b") in [big_statistics(folders=count, details=20) for count in (700, 1300)]
