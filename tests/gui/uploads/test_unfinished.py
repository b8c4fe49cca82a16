"""The Uploads tab lists and removes the leftovers of interrupted uploads and backups."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from PySide6.QtWidgets import QPlainTextEdit

from core.errors import Offline
from core.local.pending_uploads import note
from core.workspace import Workspace
from gui.dialogs.confirm import UNCHANGED, Confirm
from gui.tabs.uploads import UploadsTab
from gui.tabs.uploads.unfinished import BEGUN, KEY, SIZE, WHAT, WHOSE
from tests.helpers.moto_bucket import moto_bucket

WAIT = 30_000


@pytest.fixture(scope="module")
def bucket():
    with moto_bucket() as made:
        yield made


@pytest.fixture
def s3(bucket):
    """An independent client."""
    keys = bucket.clients.connection.keys
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=bucket.clients.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key.reveal(),
    )
    yield client
    for each in client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", ()):
        client.abort_multipart_upload(
            Bucket=bucket.name, Key=each["Key"], UploadId=each["UploadId"]
        )
    client.close()


@pytest.fixture
def tab(context, bucket, qtbot):
    workspace = Workspace.open(bucket.clients.connection)
    tab = UploadsTab(context)
    qtbot.addWidget(tab)
    tab.resize(1100, 640)

    def show():
        context.set_workspace(workspace)
        tab.show()
        qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
        return tab

    yield show
    context.set_workspace(None)
    workspace.close()


def begin(s3, bucket, key, data=b""):
    upload = s3.create_multipart_upload(Bucket=bucket.name, Key=key)["UploadId"]
    if data:
        s3.upload_part(Bucket=bucket.name, Key=key, UploadId=upload, PartNumber=1, Body=data)
    return upload


def uploads(s3, bucket):
    found = s3.list_multipart_uploads(Bucket=bucket.name).get("Uploads", [])
    return sorted(each["Key"] for each in found)


def column(pane, number):
    model = pane.model
    return [model.index(row, number).data() for row in range(model.rowCount())]


def asked(qtbot):
    """Return the question that is on the screen, and the names that it lists."""
    qtbot.waitUntil(lambda: bool(_questions()), timeout=WAIT)
    (question,) = _questions()
    return question, question.findChild(QPlainTextEdit).toPlainText()


def answer(qtbot, name):
    """Confirm the question by its name, without which nothing is removed."""
    question, _listed = asked(qtbot)
    assert not question.go.isEnabled()
    question.field.setText(name)
    question.go.click()


def _questions():
    from PySide6.QtWidgets import QApplication

    return [w for w in QApplication.topLevelWidgets() if isinstance(w, Confirm) and w.isVisible()]


def test_nothing_unfinished_shows_nothing(tab):
    assert not tab().unfinished.isVisible()


def test_ours_are_removed_at_the_start_and_others_are_listed(tab, s3, bucket):
    dead = note(bucket.clients.endpoint_url, bucket.name, "killed")
    dead.created(begin(s3, bucket, "killed", b"1" * 1000))
    dead.abandon()
    running = note(bucket.clients.endpoint_url, bucket.name, "running")
    running.created(begin(s3, bucket, "running"))
    begin(s3, bucket, "foreign", b"1" * 2000)
    pane = tab().unfinished
    assert pane.isVisible()
    assert uploads(s3, bucket) == ["foreign", "running"]
    assert set(zip(column(pane, KEY), column(pane, WHOSE), column(pane, SIZE), strict=True)) == {
        ("foreign", "others", "2.0 KB"),
        ("running", "running here", "0 B"),
    }
    assert set(column(pane, WHAT)) == {"upload"}
    running.forget()


def test_a_lifecycle_rule_is_offered_for_unfinished_uploads(tab, s3, bucket, context):
    begin(s3, bucket, "theirs.bin")
    targets = []
    context.navigate.connect(lambda *target: targets.append(target))
    rule = tab().unfinished.rule
    assert rule.isVisible()
    rule.click()
    assert targets == [("bucket", "Remove unfinished uploads")]


def test_they_are_removed_after_a_question_and_never_a_running_one(tab, s3, bucket, qtbot):
    running = note(bucket.clients.endpoint_url, bucket.name, "running")
    running.created(begin(s3, bucket, "running"))
    begin(s3, bucket, "foreign")
    shown = tab()
    shown.unfinished.toggle.click()
    assert shown.unfinished.table.isVisible()
    shown.unfinished.remove.click()
    question, listed = asked(qtbot)
    assert "foreign" in listed
    assert "running" not in listed
    question.reject()
    assert uploads(s3, bucket) == ["foreign", "running"]
    assert shown.banner.text == UNCHANGED
    shown.unfinished.remove.click()
    answer(qtbot, "foreign")
    qtbot.waitUntil(lambda: uploads(s3, bucket) == ["running"], timeout=WAIT)
    qtbot.waitUntil(lambda: not shown.busy, timeout=WAIT)
    assert "1 entry removed" in shown.banner.text
    assert column(shown.unfinished, KEY) == ["running"]
    running.forget()


def test_to_remove_several_the_name_of_the_bucket_is_typed(tab, s3, bucket, qtbot):
    for key in ("one", "two"):
        begin(s3, bucket, key)
    shown = tab()
    shown.unfinished.remove.click()
    assert asked(qtbot)[0].windowTitle() == "Remove 2 entries?"
    answer(qtbot, bucket.name)
    qtbot.waitUntil(lambda: not shown.busy and uploads(s3, bucket) == [], timeout=WAIT)


def test_parts_of_an_unfinished_backup_are_listed_and_removed(tab, s3, bucket, qtbot):
    moment = datetime.now(UTC) - timedelta(days=2)
    folder = f"backups/database/orders/{moment:%Y/%m/%d/%Y-%m-%dT%H:%M:%SZ}_0123456789ab/"
    s3.put_object(Bucket=bucket.name, Key=f"{folder}part-00000.jsonl.zst", Body=b"1" * 10)
    _make_older(bucket, moment)
    shown = tab()
    assert column(shown.unfinished, WHAT) == ["backup of orders"]
    shown.unfinished.remove.click()
    answer(qtbot, folder.rstrip("/").rpartition("/")[2])
    qtbot.waitUntil(lambda: not shown.busy and not shown.unfinished.isVisible(), timeout=WAIT)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket.name)


def _make_older(bucket, moment):
    """Set the time of all objects; the server runs in this process."""
    from moto.s3.models import s3_backends

    for key in s3_backends["123456789012"]["aws"].buckets[bucket.name].keys.values():
        key.last_modified = moment.replace(tzinfo=None)


def test_what_may_not_be_removed_is_not_offered(tab, s3, bucket, context):
    begin(s3, bucket, "foreign")
    pane = tab().unfinished
    context.lock()
    assert pane.isVisible()
    assert not pane.remove.isEnabled()
    assert "read-only" in pane.remove.toolTip()
    assert column(pane, BEGUN)[0].endswith(" ago")


def test_a_failed_listing_can_be_repeated_here(tab, s3, bucket, qtbot):
    begin(s3, bucket, "foreign")
    shown = tab()
    pane = shown.unfinished
    assert not pane.retry.isVisible()
    pane.clear()
    pane.show_failed(Offline("The endpoint cannot be reached"))
    assert pane.retry.isVisible(), "the connection may have returned since"
    pane.retry.click()
    qtbot.waitUntil(lambda: column(pane, KEY) == ["foreign"], timeout=WAIT)
    assert not pane.retry.isVisible()
