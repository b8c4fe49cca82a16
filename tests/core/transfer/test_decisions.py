"""Existing objects are replaced, skipped or renamed as decided for all files or for each."""

from types import SimpleNamespace
from uuid import uuid4

import pytest
from helpers.moto_bucket import moto_bucket

from core.objects import conditions
from core.objects.reading import read
from core.objects.writing import put
from core.transfer.journal import Journal, Order, unfinished
from core.transfer.plan import plan_upload
from core.transfer.upload import upload
from core.transfer.values import EXISTS, IfExists, Outcomes
from core.work import Work

SKIP, OVERWRITE, KEEP_BOTH = IfExists.SKIP, IfExists.OVERWRITE, IfExists.KEEP_BOTH


@pytest.fixture(scope="module")
def bucket():
    with moto_bucket() as made:
        yield made


@pytest.fixture
def place(bucket):
    return SimpleNamespace(bucket=bucket)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / f"d{uuid4().hex[:8]}"
    root.mkdir()
    for number in range(5):
        (root / f"{number}").write_text(f"new {number}")
    return root


def planned(place, folder, existing):
    for number in existing:
        put(place.bucket, f"{folder.name}/{number}", b"old")
    return plan_upload(place, paths=[str(folder)])


def test_each_file_can_have_a_decision_of_its_own(place, bucket, folder):
    plan = planned(place, folder, (1, 2, 3))
    single = {1: OVERWRITE, 2: KEEP_BOTH}
    arguments = plan.arguments(SKIP, single)
    assert arguments["skip"] == [3]
    assert arguments["only_new"] == [True, False, True, True, True]
    put(bucket, f"{folder.name}/4", b"appeared")
    report = upload(place, Work(), **arguments)
    assert report.done == (0, 1, 2)
    assert report.skipped == ((3, EXISTS), (4, EXISTS))
    stored = {name: read(bucket, f"{folder.name}/{name}") for name in ("0", "1", "2", "2 (2)", "3")}
    assert stored == {
        "0": b"new 0", "1": b"new 1", "2": b"old", "2 (2)": b"new 2", "3": b"old",
    }  # fmt: skip


def test_one_decision_for_all_is_one_argument(place, folder):
    plan = planned(place, folder, (1,))
    assert plan.arguments(SKIP)["only_new"] is True
    assert plan.arguments(OVERWRITE)["only_new"] is False
    assert plan.arguments(OVERWRITE)["skip"] == []
    assert plan.arguments(KEEP_BOTH, {1: SKIP})["skip"] == [1]


def test_the_decisions_survive_an_interruption(tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path))
    columns = {"paths": list("abc"), "keys": list("abc"), "sizes": [1, 2, 3]}
    arguments = {**columns, "skip": [2], "only_new": [True, False, True], "refused": []}
    journal = Journal.begin(Order("transfer.upload", uuid4().hex, "t", "p", "b", arguments), 3)
    journal.note(Outcomes(done=(0,)))
    journal.leave()
    (found,) = unfinished()
    assert found.arguments["keys"] == ["b", "c"]
    assert found.arguments["only_new"] == [False, True]


def test_small_files_of_both_kinds_are_sent_the_quick_way(place, bucket, tmp_path):
    root = tmp_path / f"q{uuid4().hex[:8]}"
    root.mkdir()
    for number in range(60):
        (root / f"{number:02}").write_text("new")
    existing = range(0, 60, 2)
    plan = planned(place, root, [f"{number:02}" for number in existing])
    single = {number: OVERWRITE for number in existing if number % 4 == 0}
    report = upload(place, Work(), **plan.arguments(SKIP, single))
    assert (len(report.done), len(report.skipped), report.failed) == (45, 15, ())
    assert read(bucket, f"{root.name}/04") == b"new"
    assert read(bucket, f"{root.name}/02") == b"old"


def test_a_server_that_ignores_the_condition_is_reported_for_each_file(folder):
    with moto_bucket() as bucket:
        place = SimpleNamespace(bucket=bucket)
        conditions.record_support(bucket, conditions.PUT, is_honoured=False)
        plan = planned(place, folder, (1,))
        report = upload(place, Work(), **plan.arguments(SKIP, {1: OVERWRITE}))
    assert report.done == (0, 1, 2, 3, 4)
    assert report.unguarded == (0, 2, 3, 4)
