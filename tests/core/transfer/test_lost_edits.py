"""Changes of properties whose answers are lost are undone, on every server."""

import pickle
import time
from contextlib import contextmanager
from types import SimpleNamespace as Place

import pytest
from helpers.fault_proxy import FaultProxy, rule
from helpers.s3_servers import make_bucket

from core.aws import retries
from core.aws.clients import ClientFactory
from core.objects import lost_answers
from core.objects.bucket import Bucket
from core.objects.lost_answers import LostAnswers
from core.objects.properties import read_properties
from core.objects.property_edits import PropertyEdit
from core.objects.versions import list_versions
from core.transfer.edited import EditedObject, EditReport, LostCopy
from core.transfer.property_edits import edit_properties
from core.transfer.undo_edits import undo_edits
from core.work import RetryBudget, Work

EDIT = PropertyEdit(metadata=(("team", "desk"),))


@pytest.fixture(autouse=True)
def _no_settling(monkeypatch):
    monkeypatch.setattr(lost_answers, "_SETTLING_SECONDS", 0.0)


@pytest.fixture
def place(s3_server, s3_client):
    name = make_bucket(s3_client)
    s3_client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3_client.put_object(Bucket=name, Key="a", Body=b"content", Metadata={"note": "n"})
    clients = ClientFactory(s3_server.connection(name))
    yield Place(bucket=Bucket(clients, name))
    clients.close()


@pytest.fixture
def lost_edit(s3_server, place, monkeypatch):
    """Return a function: change the object through a proxy, and return the report."""

    @contextmanager
    def through(fault, request_class):
        with FaultProxy(s3_server, rule(request_class, fault)) as made:
            clients = ClientFactory(s3_server.connection(place.bucket.name, made.url))
            yield Place(bucket=Bucket(clients, place.bucket.name))
            clients.close()

    def changed(fault, edit=EDIT, request_class="Copy"):
        monkeypatch.setattr(retries, "ATTEMPTS_IN_BUDGET", 1)
        with through(fault, request_class) as damaged:
            return edit_properties(damaged, Work(budget=RetryBudget(0)), keys=["a"], edit=edit)

    return changed


def undone(place, report):
    return undo_edits(place, edited=pickle.loads(pickle.dumps(report.undoable)))


@pytest.mark.parametrize("fault", ["lost_answer", "reset"])
def test_a_copy_without_an_answer_is_undone_if_it_was_made(place, lost_edit, fault):
    before = read_properties(place.bucket, "a")
    report = lost_edit(fault)
    assert (report.changed, [each.key for each in report.unanswered]) == ((), ["a"])
    assert report.unanswered_text() == "1 change was not answered"
    stored = read_properties(place.bucket, "a").metadata.get("team") == "desk"
    assert stored == (fault == "lost_answer")
    restored = undone(place, report)
    assert (restored.restored, restored.present) == ((("a",), ()) if stored else ((), ("a",)))
    assert restored.failed == ()
    assert read_properties(place.bucket, "a") == before
    assert len(list_versions(place.bucket, "a")) == 1


@pytest.mark.parametrize("body", [b"content", b"CONTENT"], ids=["same", "same size"])
def test_an_upload_of_another_client_is_not_removed(place, lost_edit, s3_client, body):
    """It has the wanted properties, the size and the time of the change that never arrived."""
    report = lost_edit("reset")
    s3_client.put_object(
        Bucket=place.bucket.name, Key="a", Body=body, Metadata={"note": "n", "team": "desk"}
    )
    restored = undone(place, report)
    found = list_versions(place.bucket, "a")
    if body == b"CONTENT":
        assert [each.key for each in restored.failed] == ["a"]
        assert len(found) == 2
    else:  # no different from the change itself, and its content is still that of the object
        assert restored.restored == ("a",)
        assert len(found) == 1


def test_a_later_change_of_another_client_stays(place, lost_edit, s3_client):
    report = lost_edit("lost_answer")
    s3_client.put_object(Bucket=place.bucket.name, Key="a", Body=b"other")
    before = list_versions(place.bucket, "a")
    assert [each.key for each in undone(place, report).failed] == ["a"]
    assert list_versions(place.bucket, "a") == before


def test_a_version_of_another_time_is_of_another_client(place, s3_client):
    before = read_properties(place.bucket, "a")
    edit_properties(place, keys=["a"], edit=EDIT)
    wanted, sent = EDIT.values_for(before), time.time() - 120
    lost = LostCopy(before, wanted, LostAnswers(1, sent, sent + 1))
    edited = EditedObject("a", copied=True, answered=False, lost_copy=lost)
    restored = undo_edits(place, edited=[edited])
    assert [each.key for each in restored.failed] == ["a"]
    assert len(list_versions(place.bucket, "a")) == 2


def test_tags_without_an_answer_are_set_back_or_found_unchanged(place, lost_edit, s3_client):
    edit = PropertyEdit(tags=(("level", "2"),))
    report = lost_edit("lost_answer", edit, "Put")
    assert [each.answered for each in report.unanswered] == [False]
    assert read_properties(place.bucket, "a").tags == (("level", "2"),)
    assert undone(place, report).restored == ("a",)
    assert read_properties(place.bucket, "a").tags == ()
    assert undone(place, report).present == ("a",)


def test_changes_without_an_answer_are_counted():
    assert EditReport().unanswered_text() == ""
    two = EditReport(unanswered=(EditedObject("a"), EditedObject("b")))
    assert two.unanswered_text() == "2 changes were not answered"
