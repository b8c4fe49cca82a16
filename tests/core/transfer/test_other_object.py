"""A move removes an object only if its target is another one, however both are addressed."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from helpers.s3_servers import make_bucket

from core.aws.clients import ClientFactory
from core.errors import AccessDenied, AlreadyExists, InvalidInput
from core.objects.bucket import Bucket
from core.objects.part_sizes import SINGLE_BYTES
from core.objects.reading import read
from core.objects.writing import put, upload
from core.transfer.copies import copy_objects, move_objects
from core.transfer.other_object import Targets, _spelling
from core.transfer.values import IfExists
from core.work import Work

DECISIONS = [each.value for each in IfExists if each is not IfExists.KEEP_BOTH]


@dataclass(frozen=True)
class Place:
    bucket: Bucket


@pytest.fixture
def place(s3_server, s3_client):
    name = make_bucket(s3_client)
    clients = ClientFactory(s3_server.connection(name))
    yield Place(Bucket(clients, name))
    clients.close()


@pytest.fixture
def alias(s3_server, place):
    """The same bucket by another spelling of the endpoint."""
    url = s3_server.endpoint_url.replace("127.0.0.1", "localhost")
    assert url != s3_server.endpoint_url
    connection = s3_server.connection(place.bucket.name, url)
    clients = ClientFactory(connection)
    yield Place(Bucket(clients, place.bucket.name))
    clients.close()


@pytest.fixture
def elsewhere(s3_server, s3_client):
    """Another bucket of the same server by another connection."""
    name = make_bucket(s3_client)
    clients = ClientFactory(s3_server.connection(name))
    yield Place(Bucket(clients, name))
    clients.close()


def filled(place, *keys):
    written = [put(place.bucket, key, key.encode()) for key in keys]
    return {
        "keys": keys,
        "sizes": [each.size for each in written],
        "etags": [each.etag for each in written],
    }


def listed(client, place):
    rows = client.list_objects_v2(Bucket=place.bucket.name).get("Contents", ())
    return {row["Key"] for row in rows}


@pytest.mark.parametrize("decision", DECISIONS)
def test_an_object_is_not_moved_onto_itself_by_another_connection(
    place, alias, s3_client, decision
):
    columns = filled(place, "r/1", "r/2")
    with pytest.raises(InvalidInput, match="already have these keys"):
        move_objects(
            alias, **columns, targets=columns["keys"], source=place.bucket, if_exists=decision
        )
    assert listed(s3_client, place) == {"r/1", "r/2"}  # and no probe


@pytest.mark.parametrize("decision", DECISIONS)
def test_objects_that_are_both_source_and_target_are_refused_by_another_connection(
    place, alias, s3_client, decision
):
    columns = filled(place, "r/1", "r/r/1")
    with pytest.raises(InvalidInput, match="replaced by another copy"):
        move_objects(
            alias, **columns, targets=("r/r/1", "r/r/r/1"), source=place.bucket, if_exists=decision
        )
    assert listed(s3_client, place) == {"r/1", "r/r/1"}
    assert read(place.bucket, "r/r/1") == b"r/r/1"


def test_a_plan_finds_one_object_with_two_addresses_without_storing_a_probe(
    place, alias, elsewhere, s3_client
):
    filled(place, "r/1")
    put(elsewhere.bucket, "r/1", b"another")
    assert Targets(place.bucket, alias.bucket, Work()).seem_same("r/1")
    assert not Targets(place.bucket, elsewhere.bucket, Work()).seem_same("r/1")
    assert listed(s3_client, place) == {"r/1"}


def test_a_copy_onto_itself_is_refused_if_it_would_replace(place, alias):
    columns = filled(place, "r/1")
    with pytest.raises(InvalidInput, match="already have these keys"):
        copy_objects(alias, **columns, targets=["r/1"], source=place.bucket, if_exists="overwrite")
    report = copy_objects(alias, **columns, targets=["r/1"], source=place.bucket)
    assert len(report.skipped) == 1


def test_objects_move_within_one_bucket_by_another_connection(place, alias, s3_client):
    columns = filled(place, "r/1", "r/2")
    report = move_objects(alias, **columns, targets=["s/1", "s/2"], source=place.bucket)
    assert report.complete
    assert listed(s3_client, place) == {"s/1", "s/2"}


@pytest.mark.parametrize("decision", [IfExists.SKIP, IfExists.OVERWRITE])
def test_equal_objects_of_another_bucket_complete_a_move(place, elsewhere, s3_client, decision):
    columns = filled(place, "r/1", "r/2")
    for key in columns["keys"]:
        put(elsewhere.bucket, key, key.encode())
    report = move_objects(
        elsewhere, **columns, targets=columns["keys"], source=place.bucket, if_exists=decision.value
    )
    assert report.complete
    assert listed(s3_client, place) == set()
    assert listed(s3_client, elsewhere) == {"r/1", "r/2"}  # the probe was removed


@pytest.mark.parametrize("target", ["n//a", "/n/a", "n/./a", "n/../n/a", "N/a"])
@pytest.mark.parametrize("decision", ["skip", "overwrite"])
def test_a_key_that_the_server_changes_does_not_lose_its_object(place, s3_client, target, decision):
    columns = filled(place, "n/a")
    report = move_objects(place, **columns, targets=[target], if_exists=decision)
    found = listed(s3_client, place)
    # Servers that distinguish the keys move the object; the others leave it.
    if report.complete:
        assert found == {target}
        assert read(place.bucket, target) == b"n/a"
    else:
        assert found == {"n/a"}
        assert read(place.bucket, "n/a") == b"n/a"


def test_objects_whose_targets_become_one_are_all_somewhere(place, elsewhere, s3_client):
    columns = filled(elsewhere, "n/a")
    put(elsewhere.bucket, "m/a", b"other")
    columns = {
        "keys": ("n/a", "m/a"),
        "sizes": (*columns["sizes"], 5),
        "etags": (*columns["etags"], ""),
    }
    targets = ("x/a", "x//a")
    move_objects(place, **columns, targets=targets, source=elsewhere.bucket, if_exists="overwrite")
    left = [read(elsewhere.bucket, key) for key in listed(s3_client, elsewhere)]
    moved = [read(place.bucket, key) for key in listed(s3_client, place)]
    assert sorted(left + moved) == [b"n/a", b"other"]


def test_without_permission_for_a_probe_only_new_targets_are_written(
    place, elsewhere, s3_client, monkeypatch
):
    columns = filled(place, "r/1", "r/2")
    put(elsewhere.bucket, "r/1", b"r/1")
    real = elsewhere.bucket.client.put_object

    def refuse(**arguments):
        if "strongroom-probe" in arguments["Key"]:
            answer = {
                "Error": {"Code": "AccessDenied"},
                "ResponseMetadata": {"HTTPStatusCode": 403},
            }
            raise ClientError(answer, "PutObject")
        return real(**arguments)

    monkeypatch.setattr(elsewhere.bucket.client, "put_object", refuse)
    report = move_objects(elsewhere, **columns, targets=columns["keys"], source=place.bucket)
    assert [each.key for each in report.failed] == ["r/1"]
    assert "may be the same object" in report.failed[0].summary
    assert listed(s3_client, place) == {"r/1"}
    assert listed(s3_client, elsewhere) == {"r/1", "r/2"}


def denied(place, monkeypatch, operation, when):
    """Have the calls of an operation whose arguments meet a condition answer 403."""
    real = getattr(place.bucket.client, operation)

    def call(**arguments):
        if not when(arguments):
            return real(**arguments)
        code = "403" if operation == "head_object" else "AccessDenied"
        answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 403}}
        raise ClientError(answer, operation)

    monkeypatch.setattr(place.bucket.client, operation, call)


def test_a_probe_is_hidden_where_its_version_may_not_be_removed(
    place, elsewhere, s3_client, monkeypatch
):
    status = {"Status": "Enabled"}
    name = elsewhere.bucket.name
    s3_client.put_bucket_versioning(Bucket=name, VersioningConfiguration=status)
    columns = filled(place, "r/1")
    put(elsewhere.bucket, "r/1", b"another")
    denied(elsewhere, monkeypatch, "delete_object", lambda sent: sent.get("VersionId"))
    report = copy_objects(
        elsewhere, **columns, targets=["r/1"], source=place.bucket, if_exists="overwrite"
    )
    assert report.complete
    assert listed(s3_client, elsewhere) == {"r/1"}
    versions = s3_client.list_object_versions(Bucket=name)
    assert len(versions["Versions"]) == 3  # two of the object, and the probe
    assert len(versions["DeleteMarkers"]) == 1


def without_list(place, monkeypatch, s3_client):
    """Have requests for missing keys of a bucket answer 403, as S3 does without `s3:ListBucket`."""
    denied(place, monkeypatch, "list_objects_v2", lambda _sent: True)
    denied(
        place, monkeypatch, "head_object", lambda sent: sent["Key"] not in listed(s3_client, place)
    )


def test_different_objects_are_replaced_though_missing_keys_of_the_source_are_denied(
    place, elsewhere, s3_client, monkeypatch
):
    columns = filled(place, "r/1", "r/2")
    put(elsewhere.bucket, "r/1", b"another")
    without_list(place, monkeypatch, s3_client)
    report = copy_objects(
        elsewhere, **columns, targets=columns["keys"], source=place.bucket, if_exists="overwrite"
    )
    assert report.complete
    assert read(elsewhere.bucket, "r/1") == b"r/1"
    assert listed(s3_client, elsewhere) == {"r/1", "r/2"}


@pytest.mark.parametrize("decision", DECISIONS)
def test_an_object_is_not_moved_onto_itself_though_missing_keys_are_denied(
    place, alias, s3_client, monkeypatch, decision
):
    columns = filled(place, "r/1", "r/2")
    denied(place, monkeypatch, "list_objects_v2", lambda _sent: True)
    denied(place, monkeypatch, "head_object", lambda sent: "probe" in sent["Key"])
    report = move_objects(
        alias, **columns, targets=columns["keys"], source=place.bucket, if_exists=decision
    )
    assert [each.key for each in report.failed] == ["r/1", "r/2"]
    assert listed(s3_client, place) == {"r/1", "r/2"}


@pytest.mark.parametrize("run", [copy_objects, move_objects])
@pytest.mark.parametrize("decision", DECISIONS)
def test_new_targets_are_written_though_both_sides_deny_missing_keys(
    place, elsewhere, s3_client, monkeypatch, run, decision
):
    columns = filled(place, "r/1", "r/2")
    put(elsewhere.bucket, "r/2", b"another")
    without_list(place, monkeypatch, s3_client)
    without_list(elsewhere, monkeypatch, s3_client)
    targets = ["r/1", "n/2"]
    report = run(elsewhere, **columns, targets=targets, source=place.bucket, if_exists=decision)
    assert report.complete, report.failed
    assert listed(s3_client, elsewhere) == {"r/1", "n/2", "r/2"}  # and no probe
    assert listed(s3_client, place) == (set() if run is move_objects else {"r/1", "r/2"})
    assert read(elsewhere.bucket, "n/2") == b"r/2"


def test_equal_targets_are_refused_with_the_missing_permission_unless_their_times_differ(
    place, elsewhere, s3_client, monkeypatch
):
    columns = filled(place, "r/1", "r/2")
    for key in columns["keys"]:
        put(elsewhere.bucket, key, key.encode())
    without_list(place, monkeypatch, s3_client)
    wanted = {**columns, "targets": columns["keys"], "source": place.bucket}
    report = move_objects(elsewhere, **wanted)
    assert [each.key for each in report.failed] == ["r/1", "r/2"]
    missing = f"s3:ListBucket is missing on s3://{place.bucket.name}"
    assert all(missing in each.cause for each in report.failed)
    assert listed(s3_client, place) == {"r/1", "r/2"}
    real = elsewhere.bucket.client.head_object

    def later(**arguments):
        answer = real(**arguments)
        return {**answer, "LastModified": answer["LastModified"] + timedelta(seconds=61)}

    monkeypatch.setattr(elsewhere.bucket.client, "head_object", later)
    report = move_objects(elsewhere, **wanted)
    assert report.complete, report.failed
    assert listed(s3_client, place) == set()
    assert listed(s3_client, elsewhere) == {"r/1", "r/2"}


def test_existing_targets_are_not_replaced_where_no_request_shows_them(
    place, elsewhere, s3_client, monkeypatch
):
    columns = filled(place, "r/1")
    put(elsewhere.bucket, "r/1", b"another")
    without_list(place, monkeypatch, s3_client)
    denied(elsewhere, monkeypatch, "list_objects_v2", lambda _sent: True)
    denied(elsewhere, monkeypatch, "head_object", lambda sent: "probe" not in sent["Key"])
    report = copy_objects(
        elsewhere, **columns, targets=["r/1"], source=place.bucket, if_exists="overwrite"
    )
    assert [each.key for each in report.failed] == ["r/1"]
    assert read(elsewhere.bucket, "r/1") == b"another"


def test_without_conditional_writes_the_missing_permission_is_named(
    place, elsewhere, s3_client, monkeypatch
):
    columns = filled(place, "r/1")
    for each in (place, elsewhere):
        without_list(each, monkeypatch, s3_client)
    real = elsewhere.bucket.client.put_object

    def unconditional(**arguments):
        arguments.pop("IfNoneMatch", None)
        return real(**arguments)

    monkeypatch.setattr(elsewhere.bucket.client, "put_object", unconditional)
    report = copy_objects(
        elsewhere, **columns, targets=["r/1"], source=place.bucket, if_exists="overwrite"
    )
    (failure,) = report.failed
    assert failure.summary == "It is not known whether r/1 exists"
    assert f"s3:ListBucket is missing on s3://{elsewhere.bucket.name}" in failure.cause
    assert listed(s3_client, elsewhere) == set()


@pytest.mark.parametrize("size", [5, SINGLE_BYTES + 1])
def test_a_new_key_is_written_where_missing_keys_are_denied(
    place, s3_server, s3_client, monkeypatch, tmp_path, size
):
    without_list(place, monkeypatch, s3_client)
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    if size > SINGLE_BYTES and "conditional completion" in dict(s3_server.lacks):
        with pytest.raises(AccessDenied, match="It is not known whether u/1 exists"):
            upload(place.bucket, "u/1", path, only_new=True)
        assert listed(s3_client, place) == set()
        return
    assert upload(place.bucket, "u/1", path, only_new=True).race_free
    other = tmp_path / "other"
    other.write_bytes(b"1" * size)
    with pytest.raises(AlreadyExists):
        upload(place.bucket, "u/1", other, only_new=True)
    # The server's own copy, which has no condition, is not used.
    report = copy_objects(
        place, keys=["u/1"], sizes=[size], etags=[""], targets=["v/1"], source=place.bucket
    )
    assert report.complete, report.failed
    assert listed(s3_client, place) == {"u/1", "v/1"}


def test_where_missing_targets_are_denied_each_object_fails_by_itself(
    place, elsewhere, s3_client, monkeypatch
):
    columns = filled(place, "r/1", "r/2")
    without_list(elsewhere, monkeypatch, s3_client)
    denied(elsewhere, monkeypatch, "put_object", lambda sent: "probe" in sent["Key"])
    report = copy_objects(
        elsewhere, **columns, targets=columns["keys"], source=place.bucket, if_exists="overwrite"
    )
    assert [each.key for each in report.failed] == ["r/1", "r/2"]


def test_other_names_of_aws_need_no_request_and_access_points_do(place):
    class Clients:
        endpoint_url = None

    one, other = Clients(), Clients()
    for name in ("second", "first"):
        targets = Targets(Bucket(one, "first"), Bucket(other, name), Work())
        assert targets._by_names == (name == "second")
    for name in ("point-abc-s3alias", "arn:aws:s3:us-east-1:1:accesspoint/point"):
        assert not Targets(Bucket(one, "first"), Bucket(one, name), Work())._by_names


def test_keys_that_a_server_may_store_as_one_have_one_spelling():
    for other in ("N/A", "/n/a", "n//a", "n/./a", "n/x/../a", "n/a/", "n/a.", "n\\a", "%6e/a"):
        assert _spelling(other) == _spelling("n/a")
    assert _spelling("n/b") != _spelling("n/a")
    assert _spelling("é") == _spelling("é")
