"""Grants of an object's ACL remain if it is changed or moved, where ACLs are in force."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError
from helpers.s3_servers import make_bucket

from core.aws.clients import ClientFactory
from core.errors import AccessDenied, NotFound
from core.objects import acl
from core.objects.bucket import Bucket
from core.objects.in_place import restore_version
from core.objects.property_edits import PropertyEdit
from core.transfer.copies import copy_objects, move_objects
from core.transfer.property_edits import edit_properties
from core.transfer.undo_edits import undo_edits
from core.work import Work

EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"
OWNER_ONLY = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


@dataclass(frozen=True)
class Place:
    bucket: Bucket


@pytest.fixture
def client(demo_server):
    from helpers.s3_servers import demo_as_s3

    client = demo_as_s3(demo_server).client()
    yield client
    client.close()


@pytest.fixture
def place(demo_server, client):
    from helpers.s3_servers import demo_as_s3

    name = make_bucket(client)
    clients = ClientFactory(demo_as_s3(demo_server).connection(name))
    yield Place(Bucket(clients, name))
    clients.close()


def public(client, place, key):
    """Return whether everybody may read an object."""
    grants = client.get_object_acl(Bucket=place.bucket.name, Key=key)["Grants"]
    return [each["Permission"] for each in grants if each["Grantee"].get("URI") == EVERYBODY] == [
        "READ"
    ]


def failing(code, status):
    """Return a call of a client that fails."""

    def fail(**_arguments):
        answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(answer, "Any")

    return fail


@pytest.fixture(params=["versions", "plain"])
def shared(request, client, place):
    """A public object and a private one."""
    if request.param == "versions":
        status = {"Status": "Enabled"}
        client.put_bucket_versioning(Bucket=place.bucket.name, VersioningConfiguration=status)
    client.put_object(Bucket=place.bucket.name, Key="a", Body=b"x", ACL="public-read")
    client.put_object(Bucket=place.bucket.name, Key="b", Body=b"x")


@pytest.mark.usefixtures("shared")
def test_a_change_of_properties_leaves_the_grants(client, place):
    report = edit_properties(place, keys=["a", "b"], edit=PropertyEdit(metadata=(("m", "1"),)))
    assert report.failed == ()
    assert (public(client, place, "a"), public(client, place, "b")) == (True, False)


@pytest.mark.usefixtures("shared")
def test_a_moved_object_has_its_grants_and_a_copy_has_none(client, place):
    columns = {"keys": ["a", "b"], "sizes": [1, 1], "etags": ["", ""]}
    assert copy_objects(place, **columns, targets=["c/a", "c/b"]).complete
    assert not public(client, place, "c/a")
    assert move_objects(place, **columns, targets=["m/a", "m/b"]).complete
    assert (public(client, place, "m/a"), public(client, place, "m/b")) == (True, False)


@pytest.mark.usefixtures("shared")
def test_a_move_whose_grants_cannot_be_set_leaves_the_object_as_it_was(client, place, monkeypatch):
    monkeypatch.setattr(place.bucket.client, "put_object_acl", failing("AccessDenied", 403))
    report = move_objects(place, keys=["a"], targets=["m"], sizes=[1], etags=[""])
    assert [each.key for each in report.failed] == ["a"]
    rows = client.list_objects_v2(Bucket=place.bucket.name)["Contents"]
    assert [row["Key"] for row in rows] == ["a", "b"]
    monkeypatch.undo()
    assert move_objects(place, keys=["a"], targets=["m"], sizes=[1], etags=[""]).complete
    assert public(client, place, "m")


@pytest.mark.parametrize("failure", [("AccessDenied", 403), ("InternalError", 500)])
def test_a_change_whose_grants_cannot_be_set_is_named_and_can_be_undone(
    client, place, monkeypatch, failure
):
    status = {"Status": "Enabled"}
    client.put_bucket_versioning(Bucket=place.bucket.name, VersioningConfiguration=status)
    client.put_object(Bucket=place.bucket.name, Key="a", Body=b"x", ACL="public-read")
    monkeypatch.setattr(place.bucket.client, "put_object_acl", failing(*failure))
    report = edit_properties(place, keys=["a"], edit=PropertyEdit(metadata=(("m", "1"),)))
    assert [each.key for each in report.failed] == ["a"]
    assert [each.key for each in report.undoable] == ["a"]
    monkeypatch.undo()
    assert undo_edits(place, edited=report.undoable).restored == ("a",)
    assert public(client, place, "a")


def test_a_restored_version_has_its_grants(client, place):
    status = {"Status": "Enabled"}
    name = place.bucket.name
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration=status)
    version = client.put_object(Bucket=name, Key="a", Body=b"x", ACL="public-read")["VersionId"]
    client.put_object(Bucket=name, Key="a", Body=b"y")
    assert not public(client, place, "a")
    restore_version(place.bucket, "a", version)
    assert public(client, place, "a")


def test_a_server_that_names_no_grantee_moves_and_edits_objects(client, place, monkeypatch):
    """MinIO answers so for every object."""
    no_grantee = {"Grantee": {"Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
    answer = {"Owner": {"DisplayName": "", "ID": ""}, "Grants": [no_grantee]}
    client.put_object(Bucket=place.bucket.name, Key="a", Body=b"x")
    monkeypatch.setattr(place.bucket.client, "get_object_acl", lambda **_arguments: answer)
    assert edit_properties(place, keys=["a"], edit=PropertyEdit(metadata=(("m", "1"),))).changed
    assert move_objects(place, keys=["a"], targets=["m"], sizes=[1], etags=[""]).complete
    assert acl._named({**answer, "Grants": [no_grantee, {"Grantee": {"URI": EVERYBODY}}]}) == [
        {"Grantee": {"URI": EVERYBODY}}
    ]


class _Client:
    def __init__(self, error):
        self._error, self.asked = error, []

    def get_bucket_ownership_controls(self, **_arguments):
        self.asked.append("ownership")
        if self._error:
            raise self._error
        return {"OwnershipControls": OWNER_ONLY}

    def get_object_acl(self, **_arguments):
        self.asked.append("acl")
        raise AccessDenied("denied")


class _Clients:
    endpoint_url = None

    def __init__(self, error=None):
        self.client = _Client(error)

    def for_bucket(self, _name, **_more):
        return self.client


def test_where_acls_are_disabled_one_request_is_enough_for_all_objects():
    clients = _Clients()
    for key in ("a", "b"):
        assert acl.grants_of(Bucket(clients, "b"), key, "", Work()) == ()
    assert clients.client.asked == ["ownership"]


def test_grants_that_cannot_be_read_stop_a_change_only_if_acls_are_in_force(monkeypatch):
    clients = _Clients()
    for in_force in (True, None):
        monkeypatch.setattr(acl, "_asked", lambda *_arguments, found=in_force: found)
        bucket = Bucket(clients, f"b{in_force}")
        if in_force:
            with pytest.raises(AccessDenied):
                acl.grants_of(bucket, "a", "", Work())
        else:
            assert acl.grants_of(bucket, "a", "", Work()) == ()


def test_a_bucket_without_a_setting_for_ownership_is_changed_though_its_acls_cannot_be_read():
    clients = _Clients(NotFound("no setting"))
    assert acl.grants_of(Bucket(clients, "b"), "a", "", Work()) == ()
    assert clients.client.asked == ["ownership", "acl"]


def test_threads_ask_once_whether_acls_are_in_force(monkeypatch):
    clients, asked = _Clients(), []

    def ask(bucket, _work):
        asked.append(bucket.name)
        threading.Event().wait(0.05)
        return False

    monkeypatch.setattr(acl, "_asked", ask)
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(
            lambda key: acl.grants_of(Bucket(clients, "b"), key, "", Work()), "abcdefgh"
        )
        assert [*found] == [()] * 8
    assert asked == ["b"]
