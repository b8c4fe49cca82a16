"""Lifecycle rules are saved and undone without overwriting the change of another user."""

import pytest
from helpers.moto_bucket import moto_bucket

from core.errors import Conflict
from core.lifecycle import store
from core.lifecycle.rules import Configuration, Rule
from core.lifecycle.templates import abort_unfinished, archive
from core.workspace import Workspace

THEIRS = {
    "ID": "theirs",
    "Status": "Disabled",
    "Filter": {"And": {"Prefix": "logs/", "Tags": [{"Key": "team", "Value": "ops"}]}},
    "Expiration": {"Days": 365},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
}


@pytest.fixture
def bucket():
    with moto_bucket() as made:
        yield made


def put(bucket, *rules):
    bucket.client.put_bucket_lifecycle_configuration(
        Bucket=bucket.name, LifecycleConfiguration={"Rules": list(rules)}
    )


def ids(bucket):
    answer = bucket.client.get_bucket_lifecycle_configuration(Bucket=bucket.name)
    return [rule["ID"] for rule in answer["Rules"]]


def test_a_rule_is_merged_read_back_and_undone(bucket):
    put(bucket, THEIRS)
    seen = store.read(bucket)
    assert [rule.rule_id for rule in seen.rules] == ["theirs"]
    saved = store.save(bucket, seen, seen.merged(archive()))
    assert ids(bucket) == ["theirs", "ArchiveOldData"]
    (former,) = store.former_rules(bucket.name)
    assert former.configuration.same_as(seen)
    assert store.former_rules("another") == ()
    store.undo(bucket, saved)
    assert [len(each.configuration.rules) for each in store.former_rules(bucket.name)] == [2, 1]
    assert ids(bucket) == ["theirs"]
    assert store.read(bucket).same_as(seen)


def test_former_rules_are_restored_without_checks_unless_others_were_saved(bucket):
    put(bucket, THEIRS)
    first = store.read(bucket)
    store.save(bucket, first, Configuration((archive(),)))
    present = store.read(bucket)
    (former,) = store.former_rules(bucket.name)
    with pytest.raises(Conflict):
        store.restore(bucket, first, former.configuration)
    assert ids(bucket) == ["ArchiveOldData"]
    saved = store.restore(bucket, present, former.configuration)
    assert ids(bucket) == ["theirs"]
    assert saved.after.same_as(first)
    assert [len(each.configuration.rules) for each in store.former_rules(bucket.name)] == [1, 1]


def test_someone_else_s_change_is_shown_and_never_overwritten(bucket):
    put(bucket, THEIRS)
    seen = store.read(bucket)
    put(bucket, THEIRS, abort_unfinished().raw())
    with pytest.raises(Conflict) as caught:
        store.save(bucket, seen, seen.merged(archive()))
    assert "AbortUnfinishedUploads" in caught.value.cause
    assert ids(bucket) == ["theirs", "AbortUnfinishedUploads"]


def test_a_bucket_without_rules_gets_its_first_and_loses_its_last(bucket):
    assert store.read(bucket) == Configuration()
    saved = store.save(bucket, Configuration(), Configuration((archive(),)))
    assert ids(bucket) == ["ArchiveOldData"]
    store.save(bucket, saved.after, Configuration())
    assert store.read(bucket) == Configuration()


def test_a_put_keeps_the_default_for_small_objects(bucket):
    sent = {}
    bucket.client.meta.events.register(
        "provide-client-params.s3.PutBucketLifecycleConfiguration",
        lambda params, **_event: sent.update(params),
    )
    wanted = Configuration((Rule.of(THEIRS),), "varies_by_storage_class")
    store.save(bucket, Configuration(), wanted)
    assert sent["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"


def test_every_server_returns_the_rules_that_were_saved(s3_server, s3_bucket):
    workspace = Workspace.open(s3_server.connection(s3_bucket))
    entire = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""},
             "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}  # fmt: skip
    part = {"ID": "b", "Status": "Enabled", "Filter": {"Prefix": "logs/"},
            "Expiration": {"Days": 9}}  # fmt: skip
    for raw in (part, entire):
        seen = store.read(workspace.bucket)
        saved = store.save(workspace.bucket, seen, seen.merged(Rule.of(raw)))
        assert saved.after.find(raw["ID"]).meaning == Rule.of(raw).meaning
    workspace.close()
