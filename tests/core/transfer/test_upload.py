"""A folder is uploaded with hashes; conflicts are decided beforehand, and a crash is resumed."""

import hashlib
import os
import socket
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from helpers.moto_bucket import moto_bucket

from core.aws.clients import ClientFactory
from core.errors import ErrorKind, InvalidInput, LocalIOError
from core.model.connection import AccessKeys, Connection
from core.model.objects import Verdict
from core.objects import small_loop
from core.objects.bucket import Bucket
from core.objects.hashing import SHA256
from core.objects.reading import head, read
from core.objects.writing import put
from core.redaction import Secret
from core.transfer import download as downloading
from core.transfer.download import download
from core.transfer.journal import unfinished
from core.transfer.plan import plan_upload
from core.transfer.sources import find_sources
from core.transfer.upload import upload
from core.transfer.values import SAME, IfExists, Refusal, TransferCancelled
from core.work import CancelToken, RetryBudget, Work

ODD = ["plain.json", "sp ace", "plus+", "per%20cent", "a%2Fb", "ü/日本.json", "e\u0301", "q?x#y",
       "amp&lt<>", "q\"'", "back\\slash", "~t", "eq=", "star*", "x:y"]  # fmt: skip
NOT_NORMALIZED = ["/lead", "dir/", "a//b", "x/../z", "x/./y", "tab\tx", "bidi\u202ex"]


@pytest.fixture(scope="module")
def bucket():
    with moto_bucket() as made:
        yield made


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))


@pytest.fixture
def place(bucket):
    return SimpleNamespace(bucket=bucket)


@pytest.fixture
def folder(tmp_path):
    """Three files at two depths, `u<random>/` as its name so that tests do not meet."""
    root = tmp_path / f"u{uuid4().hex[:8]}"
    (root / "deep").mkdir(parents=True)
    (root / "a.json").write_text("{}")
    (root / "deep" / "b.csv").write_text("x,y\n")
    (root / "deep" / "large.bin").write_bytes(os.urandom(9 << 20))
    return root


def planned_and_sent(place, folder, choice=IfExists.SKIP, work=None, **more):
    plan = plan_upload(place, paths=[str(folder)])
    return plan, upload(place, work, **plan.arguments(choice), **more)


def test_a_folder_arrives_complete_with_hashes_and_types(place, bucket, folder):
    batches, progress = [], []
    work = Work(report=progress.append, batch=batches.append)
    plan, report = planned_and_sent(place, folder, work=work)
    name = folder.name
    assert plan.keys == (f"{name}/a.json", f"{name}/deep/b.csv", f"{name}/deep/large.bin")
    assert (report.planned, report.done, report.skipped, report.failed) == (3, (0, 1, 2), (), ())
    assert report.size == plan.size
    for path, key in zip(plan.paths, plan.keys, strict=True):
        assert read(bucket, key) == Path(path).read_bytes()
        assert len(head(bucket, key).metadata[SHA256]) == 64
    assert head(bucket, plan.keys[0]).content_type == "application/json"
    assert sorted(n for batch in batches for n in batch.done) == [0, 1, 2]
    assert any(batch.moving for batch in batches)
    assert progress[-1].done == progress[-1].total == plan.size
    assert (progress[-1].items_done, progress[-1].items_total) == (3, 3)


@pytest.mark.parametrize("size", [3_000, 30 << 20])
def test_a_file_that_has_grown_since_the_plan_counts_with_its_actual_size(place, folder, size):
    progress, batches = [], []
    plan = plan_upload(place, paths=[str(folder)])
    (folder / "a.json").write_bytes(os.urandom(size))
    work = Work(report=progress.append, batch=batches.append)
    report = upload(place, work, **plan.arguments(IfExists.SKIP))
    assert report.size == plan.size - 2 + size
    assert report.resized == ((0, size),)
    assert [each for batch in batches for each in batch.resized] == [(0, size)]
    assert all(each.done <= each.total for each in progress)
    assert progress[-1].done == progress[-1].total == report.size


def test_conflicts_are_found_before_and_decided_at_once(place, bucket, folder):
    planned_and_sent(place, folder)
    key = f"{folder.name}/a.json"
    (folder / "a.json").write_text('{"new": 1}')
    plan, skipped = planned_and_sent(place, folder, IfExists.SKIP)
    assert plan.conflicts == 3
    assert [number for number, _ in skipped.skipped] == [0, 1, 2]
    assert read(bucket, key) == b"{}"
    _, both = planned_and_sent(place, folder, IfExists.KEEP_BOTH)
    assert both.done == (0, 1, 2)
    assert read(bucket, f"{folder.name}/a (2).json") == b'{"new": 1}'
    again = plan_upload(place, paths=[str(folder)])
    assert again.spare[0] == f"{folder.name}/a (3).json"
    planned_and_sent(place, folder, IfExists.OVERWRITE)
    assert read(bucket, key) == b'{"new": 1}'


def test_many_files_are_compared_with_one_listing(place, bucket, tmp_path):
    root = tmp_path / f"m{uuid4().hex[:8]}"
    root.mkdir()
    for number in range(40):
        (root / f"{number}.txt").write_text(str(number))
    put(bucket, f"{root.name}/7.txt", b"there")
    put(bucket, f"{root.name}/7 (2).txt", b"there")
    plan = plan_upload(place, paths=[str(root)], prefix="/")
    assert plan.conflicts == 1
    assert plan.spare[plan.keys.index(f"{root.name}/7.txt")] == f"{root.name}/7 (3).txt"


def test_one_that_appears_after_the_plan_is_not_written_over(place, bucket, folder):
    plan = plan_upload(place, paths=[str(folder)])
    put(bucket, plan.keys[0], b"somebody was first")
    report = upload(place, **plan.arguments(IfExists.KEEP_BOTH))
    assert report.skipped == ((0, "it already exists"),)
    assert read(bucket, plan.keys[0]) == b"somebody was first"
    assert report.done == (1, 2)


def test_what_was_stored_before_a_crash_is_not_sent_again(place, folder):
    plan, _ = planned_and_sent(place, folder)
    sent = []
    work = Work(batch=lambda news: sent.extend(news.moving))
    report = upload(place, work, paths=plan.paths, keys=plan.keys, sizes=plan.sizes, only_new=True)
    # Of the large file only the stored metadata was compared, so it does not count as sent.
    assert (report.done, report.skipped, report.failed) == ((0, 1), ((2, SAME),), ())
    assert Verdict.SIZE_ONLY not in report.verdicts
    assert 2 not in [number for number, _ in sent]  # of the large file no part


def test_a_damaged_object_with_the_hash_of_the_file_in_its_metadata_is_skipped(
    place, bucket, folder, monkeypatch
):
    def stored(bucket, files, **_more):
        files = list(files)
        for each in files:
            data = Path(each.path).read_bytes()
            bucket.client.put_object(
                Bucket=bucket.name, Key=each.key, Body=(b"damaged" * len(data))[: len(data)],
                Metadata={SHA256: hashlib.sha256(data).hexdigest()},
            )  # fmt: skip
        return files

    monkeypatch.setattr("core.transfer.upload.upload_many", stored)
    plan = plan_upload(place, paths=[str(folder)])
    small = {number for number, size in enumerate(plan.sizes) if 0 < size < 1_000_000}
    report = upload(place, **plan.arguments(IfExists.SKIP))
    assert small
    assert small <= {number for number, _ in report.skipped}


def test_a_file_whose_answer_was_lost_is_done_and_not_skipped(place, bucket, folder, monkeypatch):
    def lost(bucket, files, **_more):
        files = list(files)
        for each in files:
            put(bucket, each.key, Path(each.path).read_bytes())
        return files

    monkeypatch.setattr("core.transfer.upload.upload_many", lost)
    plan, report = planned_and_sent(place, folder)
    assert (report.planned, report.done, report.skipped, report.failed) == (3, (0, 1, 2), (), ())
    assert Verdict.SIZE_ONLY not in report.verdicts
    assert report.size == plan.size


def test_one_failure_stops_no_other(place, folder):
    plan = plan_upload(place, paths=[str(folder)])
    (folder / "deep" / "b.csv").unlink()
    report = upload(place, **plan.arguments(IfExists.SKIP))
    assert report.done == (0, 2)
    assert [(f.number, f.kind) for f in report.failed] == [(1, ErrorKind.LOCAL_IO)]


def test_odd_keys_arrive_byte_for_byte(place, bucket, tmp_path):
    source = tmp_path / "source"
    source.write_text("same")
    base = f"odd{uuid4().hex[:8]}/"
    # Twice, so that there are enough files for the fast upload.
    keys = [f"{base}{number}/{key}" for key in ODD + NOT_NORMALIZED for number in range(2)]
    assert len(keys) >= small_loop.FEWEST
    report = upload(place, paths=[str(source)] * len(keys), keys=keys, sizes=[4] * len(keys))
    assert report.failed == ()
    listed = bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=base)["Contents"]
    assert sorted(row["Key"] for row in listed) == sorted(keys)


def test_wrong_keys_fail_once_for_all(bucket, folder, monkeypatch):
    calls = []

    def refused(*_args, **_more):
        from core.errors import CredentialsInvalid

        calls.append(1)
        raise CredentialsInvalid("The keys are not accepted")

    monkeypatch.setattr("core.transfer.upload.upload_file", refused)
    monkeypatch.setattr("core.transfer.upload.upload_many", lambda *a, **k: list(a[1]))
    place = SimpleNamespace(bucket=bucket)
    paths = [str(folder / "a.json")] * 200
    keys = [f"x/{n}" for n in range(200)]
    report = upload(place, paths=paths, keys=keys, sizes=[2] * 200)
    assert len(report.failed) == 200
    assert len(calls) <= 8


def test_a_server_that_is_away_is_reported_soon(folder):
    from core.model.connection import KeySource, Profile

    profile = Profile("gone", KeySource.SESSION, endpoint_url="http://127.0.0.1:9", bucket="b")
    clients = ClientFactory(Connection(profile, AccessKeys("AKIA", Secret("x" * 20))))
    place = SimpleNamespace(bucket=Bucket(clients, "b"))
    work = Work(budget=RetryBudget(1.0))
    report = upload(place, work, paths=[str(folder / "a.json")], keys=["k"], sizes=[2])
    assert report.failed[0].kind is ErrorKind.OFFLINE


def test_a_cancel_ends_at_once_and_leaves_the_rest_to_be_resumed(place, bucket, tmp_path):
    root = tmp_path / f"c{uuid4().hex[:8]}"
    root.mkdir()
    for number in range(300):
        (root / f"{number:03}").write_text("x")
    token = CancelToken()
    plan = plan_upload(place, paths=[str(root)])
    asked = {"id": uuid4().hex, "title": "Upload of 300 files", "profile": "moto"}
    with pytest.raises(TransferCancelled) as cancelled:
        upload(
            place,
            Work(token, batch=lambda _outcomes: token.cancel()),
            **plan.arguments(IfExists.SKIP),
            journal=asked,
        )
    report = cancelled.value.report
    (left,) = unfinished()
    assert left.left == report.cancelled
    assert report.planned == 300 == len(report.done) + len(report.cancelled)
    assert left.order.title == "Upload of 300 files"
    assert 0 < len(left.left) < 300
    report = upload(place, **left.arguments, journal=asked)
    # Also those that were stored just before the cancel.
    assert report.planned == len(left.left) == len(report.done)
    assert unfinished() == ()
    found = bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=f"{root.name}/")
    assert found["KeyCount"] == 300


def test_what_is_no_file_is_reported_and_never_opened(tmp_path):
    root = tmp_path / "odd"
    (root / "sub").mkdir(parents=True)
    (root / "good").write_text("1")
    os.mkfifo(root / "pipe")
    (root / "loop").symlink_to(root)
    (root / "nowhere").symlink_to(root / "missing")
    (root / "link").symlink_to(root / "good")
    (root / "bad\udcff").write_text("1")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "sock"))
        found = find_sources([root, root / "good"])
    assert found.names == ("odd/good", "odd/link", "good")
    why = {Path(path).name: refusal for path, _name, refusal in found.refused}
    assert set(why) == {"pipe", "loop", "nowhere", "bad\udcff", "sock"}
    assert why["pipe"] == Refusal(ErrorKind.INVALID_INPUT, "it is a named pipe")
    assert "broken link" in why["nowhere"].reason
    assert why["nowhere"].kind is ErrorKind.NOT_FOUND
    assert "a parent folder" in why["loop"].reason
    assert find_sources([tmp_path / "none"]).refused[0][2].kind is ErrorKind.NOT_FOUND


def test_unfinished_downloads_in_a_folder_are_not_uploaded(tmp_path):
    unfinished = tmp_path / ".a.0123456789ab.strongroom-part"
    unfinished.touch()
    assert find_sources([tmp_path]).paths == ()
    assert find_sources([unfinished]).paths == (str(unfinished),)


def test_what_cannot_be_uploaded_is_a_failure_and_not_a_skip(place, folder):
    os.mkfifo(folder / "pipe")
    (folder / "bad\udcff").write_text("1")
    plan = plan_upload(place, paths=[str(folder), str(folder / "none"), str(folder / "a.json"),
                                     str(folder / "a.json")])  # fmt: skip
    report = upload(place, **plan.arguments(IfExists.SKIP))
    assert report.planned == 8 == len(report.done) + len(report.failed)
    failed = {failure.key: failure.kind for failure in report.failed}
    name = folder.name
    assert failed == {
        f"{name}/pipe": ErrorKind.INVALID_INPUT,
        f"{name}/bad\udcff": ErrorKind.INVALID_INPUT,
        "none": ErrorKind.NOT_FOUND,
        "a.json": ErrorKind.CONFLICT,
    }
    assert not report.complete
    assert report.kind is ErrorKind.INVALID_INPUT


def test_a_prefix_that_is_no_key_is_refused(place, folder):
    with pytest.raises(InvalidInput):
        plan_upload(place, paths=[str(folder)], prefix="x" * 1100)


def test_downloads_are_verified_safe_and_complete(place, bucket, tmp_path):
    base = f"d{uuid4().hex[:8]}/"
    bodies = {"a.json": b"1", "sub/b": b"22", "../../out": b"3", "A.JSON": b"4", "marker/": b""}
    for key, body in bodies.items():
        put(bucket, base + key, body)
    keys = [base + key for key in bodies]
    target = tmp_path / "target"
    more = {"keys": keys, "sizes": [len(b) for b in bodies.values()], "folder": str(target)}
    report = download(place, below=base, **more)
    assert report.planned == 5 == len(report.done) + len(report.skipped) + len(report.failed)
    assert dict(report.skipped)[4] == downloading.MARKER
    assert (target / "sub" / "b").read_bytes() == b"22"
    assert not (tmp_path / "out").exists()
    assert all(path.is_relative_to(target) for path in target.rglob("*"))
    again = download(place, below=base, if_exists="skip", **more)
    assert again.done == ()
    both = download(place, below=base, if_exists="keep both", **more)
    assert len(both.done) == len(report.done)
    assert (target / "a (2).json").exists() or (target / "A (2).JSON").exists()


def test_a_disk_without_room_is_reported_before_the_first_byte(place, tmp_path):
    with pytest.raises(LocalIOError, match="not enough space"):
        download(place, keys=["k"], sizes=[1 << 60], folder=str(tmp_path))
