"""Leftovers of this machine are removed, others listed, and running transfers untouched.

On every S3 server, seen by an independent client.
"""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from core.aws.clients import ClientFactory
from core.errors import AccessDenied, Offline
from core.local.partial_files import create_partial
from core.local.pending_uploads import note, of_dead_processes
from core.objects import multipart
from core.objects.bucket import Bucket
from core.transfer import sweep as sweeping
from core.transfer.sweep import Owner, list_unfinished, remove_unfinished, sweep
from core.transfer.upload import upload
from core.work import RetryBudget, Work

ODD = "a b/ü+%25&<'>.bin"


@pytest.fixture
def place(s3_server, s3_bucket):
    clients = ClientFactory(s3_server.connection(s3_bucket))
    yield SimpleNamespace(bucket=Bucket(clients, s3_bucket))
    clients.close()


@pytest.fixture
def begin(s3_client, s3_bucket):
    """Begin an upload as another program would, with a part of 5 MiB or without."""

    def start(key, *, part=False):
        upload_id = s3_client.create_multipart_upload(Bucket=s3_bucket, Key=key)["UploadId"]
        if part:
            s3_client.upload_part(
                Bucket=s3_bucket, Key=key, UploadId=upload_id, PartNumber=1, Body=b"1" * (5 << 20)
            )
        return upload_id

    return start


@pytest.fixture
def keys(s3_client, s3_bucket):
    def listed():
        found = s3_client.list_multipart_uploads(Bucket=s3_bucket).get("Uploads", ())
        return sorted(each["Key"] for each in found)

    return listed


def recorded(place, key, upload_id=""):
    pending = note(place.bucket.clients.endpoint_url, place.bucket.name, key)
    if upload_id:
        pending.created(upload_id)
    return pending


def test_the_start_of_a_transfer_removes_what_dead_processes_left(
    place, begin, keys, tmp_path, s3_client, s3_bucket
):
    recorded(place, ODD, begin(ODD, part=True)).abandon()
    running = recorded(place, "running", begin("running", part=True))
    begin("foreign")
    other = note("http://127.0.0.1:1", place.bucket.name, "elsewhere")
    other.created("id")
    other.abandon()
    (tmp_path / "new").write_text("new")
    report = upload(place, paths=[str(tmp_path / "new")], keys=["new"], sizes=[3])
    assert report.done == (0,)
    assert keys() == ["foreign", "running"]
    assert [record.key for record in of_dead_processes()] == ["elsewhere"]
    running.forget()


def test_a_lost_answer_to_the_creation_is_found_by_key_and_time(place, begin, keys, monkeypatch):
    began = begin("lost")
    recorded(place, "lost").abandon()
    begin("lost/longer")
    begin("other")
    now = datetime.now(UTC)
    listed = multipart.list_uploads

    def with_a_clock(*arguments, **more):  # moto stamps every upload with the same day
        for each in listed(*arguments, **more):
            yield multipart.MultipartUpload(each.key, each.upload_id, now, "")

    monkeypatch.setattr(sweeping, "list_uploads", with_a_clock)
    assert sweep(place).uploads == ("lost",)
    assert keys() == ["lost/longer", "other"]
    assert began
    assert of_dead_processes() == []


def test_an_upload_that_has_parts_or_another_time_was_begun_by_someone_else(
    place, begin, keys, monkeypatch
):
    begin("lost", part=True)
    recorded(place, "lost").abandon()
    sweep(place)
    assert keys() == ["lost"]


def test_unfinished_downloads_of_dead_processes_go_as_well(place, tmp_path):
    import os

    dead, handle = create_partial(tmp_path / "file")
    os.close(handle)
    alive, running = create_partial(tmp_path / "file")
    (tmp_path / "mine.strongroom-part").touch()
    assert sweep(place).files == ()  # this process still holds the record of its folders
    sweeping.sweep_at_start(place.bucket, sweeping.Work(), [tmp_path])
    assert not dead.exists()
    assert alive.exists()
    assert (tmp_path / "mine.strongroom-part").exists()
    os.close(running)


@pytest.mark.parametrize("error", [Offline, AccessDenied])
def test_a_clean_up_that_fails_stops_no_transfer_and_is_tried_again(
    place, begin, keys, monkeypatch, error
):
    recorded(place, "ours", begin("ours")).abandon()
    with monkeypatch.context() as patch:
        patch.setattr(sweeping, "abort", lambda *_a, **_k: _raise(error))
        report = sweep(place)
    assert [failure.key for failure in report.failed] == ["ours"]
    assert keys() == ["ours"]
    assert sweep(place).uploads == ("ours",)
    assert keys() == []


def _raise(error):
    raise error("no")


def test_unfinished_uploads_are_listed_with_age_size_and_owner(place, begin):
    running = recorded(place, "running", begin("running"))
    dead = recorded(place, "dead", begin("dead"))
    dead.abandon()
    begin(ODD, part=True)
    found = {each.key: each for each in list_unfinished(place)}
    assert {key: each.owner for key, each in found.items()} == {
        "running": Owner.RUNNING,
        "dead": Owner.OURS,
        ODD: Owner.OTHERS,
    }
    assert found[ODD].size == 5 << 20
    assert found["dead"].size == 0
    assert all(each.began <= datetime.now(UTC) for each in found.values())
    assert [each.key for each in list_unfinished(place, prefix="dea")] == ["dead"]
    running.forget()


def test_chosen_ones_are_removed_and_those_that_are_gone_count_as_removed(place, begin, keys):
    chosen = [("a", begin("a", part=True)), (ODD, begin(ODD))]
    begin("b")
    assert remove_unfinished(place, uploads=chosen).uploads == ("a", ODD)
    assert keys() == ["b"]
    assert remove_unfinished(place, uploads=chosen).failed == ()


def test_a_listing_of_several_pages_is_complete(place, begin, keys, monkeypatch):
    for number in range(5):
        begin(f"k{number}")
    client = place.bucket.client
    list_page = client.list_multipart_uploads
    monkeypatch.setattr(
        client, "list_multipart_uploads", lambda **more: list_page(**more, MaxUploads=2)
    )
    assert sorted(each.key for each in multipart.list_uploads(place.bucket)) == keys()


def test_a_list_reports_an_outage_as_soon_as_an_interactive_call(place, monkeypatch):
    budgets = []

    def unreachable(_bucket, _prefix, *, work):
        budgets.append(work.budget)
        raise Offline("The endpoint cannot be reached")

    monkeypatch.setattr("core.transfer.sweep.list_uploads", unreachable)
    with pytest.raises(Offline):
        list_unfinished(place, Work(budget=RetryBudget(600)))
    assert budgets == [None]
