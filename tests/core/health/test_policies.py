"""Each policy allows the tasks of its role and denies the others, under IAM enforcement."""

import json
from dataclasses import replace
from uuid import uuid4

import pytest
from helpers.demo import plain_client

from core.aws.clients import USE_OBSERVERS, ClientFactory
from core.aws.usage import record_use
from core.collect.athena import DATABASE as DATABASE_OF_ATHENA
from core.errors import InvalidInput
from core.health.policies import (
    MANAGED_POLICY_CHARACTERS,
    Role,
    Scope,
    policy_for,
    policy_of_use,
    text_of,
)
from core.local.used_actions import UsedActions
from core.model.connection import AccessKeys, ProfileColour
from core.objects.bucket import Bucket
from core.objects.small import SmallFile, upload_many
from core.objects.small_loop import FEWEST
from core.paths import data_dir
from core.redaction import Secret

BUCKET = "tentimecrypto"
DATABASE, STORAGE = "cryptotrading/database", "cryptotrading/s3-storage"


@pytest.fixture
def user(demo_server):
    """Make a user with a policy; return plain clients by service that sign as it."""
    iam = plain_client(demo_server, "iam", demo_server.admin)
    made, clients = [], [iam]

    def make(policy):
        name = f"role-{uuid4().hex[:10]}"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=text_of(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        keys = AccessKeys(key["AccessKeyId"], Secret(key["SecretAccessKey"]))
        made.append(name)

        def client(service):
            clients.append(plain_client(demo_server, service, keys))
            return clients[-1]

        return client

    yield make
    for each in clients:
        each.close()


def allowed(call, **arguments):
    """Whether the server's policies let a call pass; what it answers then does not matter."""
    from botocore.exceptions import ClientError

    try:
        call(**arguments)
    except ClientError as error:
        return "AccessDenied" not in error.response["Error"]["Code"]
    return True


def tried(client, key):
    """Try the tasks of all roles, each on something that may be touched."""
    s3, vault, iam = client("s3"), client("secretsmanager"), client("iam")
    return {
        "list": allowed(s3.list_objects_v2, Bucket=BUCKET, Prefix=key),
        "put": allowed(s3.put_object, Bucket=BUCKET, Key=key, Body=b"1"),
        "get": allowed(s3.get_object, Bucket=BUCKET, Key=key),
        "copy": allowed(
            s3.copy_object, Bucket=BUCKET, Key=f"{key}-copy", CopySource=f"{BUCKET}/{key}"
        ),
        "tags": allowed(s3.get_object_tagging, Bucket=BUCKET, Key=key),
        "untag": allowed(s3.delete_object_tagging, Bucket=BUCKET, Key=key),
        "undo": allowed(s3.delete_object, Bucket=BUCKET, Key=key, VersionId="null"),
        "delete": allowed(s3.delete_object, Bucket=BUCKET, Key=key),
        "lifecycle": allowed(s3.get_bucket_lifecycle_configuration, Bucket=BUCKET),
        "login": allowed(vault.get_secret_value, SecretId=DATABASE),
        "other secret": allowed(vault.get_secret_value, SecretId=STORAGE),
        "keys": allowed(iam.list_access_keys, UserName="s3-bot"),
    }


GRANTED = {
    Role.READER: {"list", "get"},
    Role.UPLOADER: {"list", "get", "put", "copy"},
    Role.OPERATOR: {"list", "get", "put", "copy", "tags", "untag", "delete", "login"},
    Role.ADMIN: {
        "list", "get", "put", "copy", "tags", "untag", "undo", "delete", "lifecycle", "login",
        "other secret", "keys",
    },
}  # fmt: skip


@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_its_tasks_and_no_other(user, demo_prefix, role):
    client = user(policy_for(role, Scope(BUCKET, user="s3-bot")))
    found = tried(client, f"{demo_prefix}x")
    assert {task for task, may in found.items() if may} == GRANTED[role]


def test_an_admin_of_no_named_user_rotates_only_its_own_keys(user):
    iam = user(policy_for(Role.ADMIN, Scope(BUCKET)))("iam")
    assert allowed(iam.list_access_keys)
    assert not allowed(iam.list_access_keys, UserName="s3-bot")
    assert not allowed(iam.create_access_key, UserName="s3-bot")


def test_a_prefix_is_the_only_place(user, demo_prefix):
    client = user(policy_for(Role.UPLOADER, Scope(BUCKET, demo_prefix)))
    s3 = client("s3")
    assert allowed(s3.put_object, Bucket=BUCKET, Key=f"{demo_prefix}x", Body=b"1")
    assert allowed(s3.list_objects_v2, Bucket=BUCKET, Prefix=demo_prefix)
    assert not allowed(s3.put_object, Bucket=BUCKET, Key="elsewhere/x", Body=b"1")
    assert not allowed(s3.list_objects_v2, Bucket=BUCKET)


@pytest.mark.parametrize("role", Role)
def test_every_policy_fits_into_a_managed_policy(role):
    policy = policy_for(role, Scope("b" * 63, "p" * 200))
    assert len(json.dumps(policy, separators=(",", ":"))) < MANAGED_POLICY_CHARACTERS


@pytest.mark.parametrize(
    "scope", [Scope("*"), Scope(""), Scope(BUCKET, "a*/"), Scope("${x}"), Scope(user="*")]
)
def test_what_would_widen_a_policy_is_refused(scope):
    with pytest.raises(InvalidInput):
        policy_for(Role.READER, scope)


def test_a_policy_of_what_was_used_allows_just_that(user, demo_server, demo_prefix, tmp_path):
    used = UsedActions(tmp_path)
    record_use(used)
    clients = ClientFactory(demo_server.connection)
    try:
        clients.s3().list_objects_v2(Bucket=BUCKET, Prefix=demo_prefix)
        clients.s3().put_object(Bucket=BUCKET, Key=f"{demo_prefix}x", Body=b"1")
        clients.secrets().get_secret_value(SecretId=DATABASE)
    finally:
        clients.close()
        USE_OBSERVERS.clear()
    actions = [one.action for one in UsedActions(tmp_path).read("demo")]
    assert actions == ["s3:ListBucket", "s3:PutObject", "secretsmanager:GetSecretValue"]
    assert UsedActions(tmp_path).read("another") == ()

    client = user(policy_of_use(actions, Scope(BUCKET)))
    found = tried(client, f"{demo_prefix}x")
    assert {task for task, may in found.items() if may} == {
        "list", "put", "login", "other secret"
    }  # fmt: skip


def test_versions_copies_and_small_uploads_are_recorded(demo_server, demo_prefix, tmp_path):
    used = UsedActions(tmp_path)
    clients = ClientFactory(demo_server.connection)
    s3, here = clients.s3(), {"Bucket": BUCKET, "Key": f"{demo_prefix}x"}
    version = s3.put_object(**here, Body=b"1")["VersionId"]
    (tmp_path / "f").write_bytes(b"1")
    record_use(used)
    try:
        s3.get_object(**here, VersionId=version)["Body"].read()
        s3.copy_object(Bucket=BUCKET, Key=f"{demo_prefix}y", CopySource=here)
        s3.delete_object(**here, VersionId=version)
        s3.copy_object(
            Bucket=BUCKET, Key=f"{demo_prefix}z", CopySource=f"{BUCKET}/{demo_prefix}y",
            TaggingDirective="COPY",
        )  # fmt: skip
        s3.get_object_tagging(Bucket=BUCKET, Key=f"{demo_prefix}y")
        assert [one.action for one in used.read("demo")] == [
            "s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion",
            "s3:PutObject", "s3:PutObjectTagging",
        ]  # fmt: skip
        fresh = UsedActions(tmp_path / "fresh")
        record_use(fresh)
        files = [SmallFile(n, str(tmp_path / "f"), f"{demo_prefix}z{n}") for n in range(FEWEST)]
        assert upload_many(Bucket(clients, BUCKET), files, sent=lambda *_: None) == []
        assert "s3:PutObject" in [one.action for one in fresh.read("demo")]
    finally:
        clients.close()
        USE_OBSERVERS.clear()


def test_what_has_a_resource_is_never_granted_on_anything():
    actions = ["s3:GetBucketLocation", "s3:PutObjectTagging", "s3:GetBucketObjectLockConfiguration",
               "iam:SimulatePrincipalPolicy", "s3:ListAllMyBuckets", "sts:GetCallerIdentity"]  # fmt: skip
    policy = policy_of_use(actions, Scope(BUCKET, user="s3-bot"))
    assert {one["Sid"]: one["Action"] for one in policy["Statement"]} == {
        "Objects": ["s3:PutObjectTagging"],
        "Bucket": ["s3:GetBucketLocation", "s3:GetBucketObjectLockConfiguration"],
        "User": ["iam:SimulatePrincipalPolicy"],
        "Anything": ["s3:ListAllMyBuckets", "sts:GetCallerIdentity"],
    }


def test_a_policy_for_athena_has_what_athena_calls_itself():
    actions = ["athena:StartQueryExecution", "athena:GetQueryExecution", "s3:PutObject"]
    statements = {one["Sid"]: one for one in policy_of_use(actions, Scope(BUCKET))["Statement"]}
    assert set(statements) == {"Objects", "Bucket", "Queries", "Tables"}
    assert statements["Bucket"]["Action"] == ["s3:GetBucketLocation"]
    assert "glue:CreateTable" in statements["Tables"]["Action"]
    assert f"arn:aws:glue:*:*:database/{DATABASE_OF_ATHENA}" in statements["Tables"]["Resource"]
    assert statements["Queries"]["Resource"] == "arn:aws:athena:*:*:workgroup/primary"
    admin = policy_for(Role.ADMIN, Scope(BUCKET))["Statement"]
    assert statements["Tables"]["Resource"] in [one["Resource"] for one in admin]


def test_without_any_use_there_is_no_policy():
    with pytest.raises(InvalidInput, match="No use is recorded yet"):
        policy_of_use((), Scope())


def test_a_torn_record_of_an_earlier_version_is_begun_anew():
    (data_dir() / "used-actions.json").write_text("{torn")
    used = UsedActions()
    used.note("p", "s3:GetObject")
    assert [one.action for one in UsedActions().read("p")] == ["s3:GetObject"]
    assert list(data_dir().glob("used-actions.json.broken-*"))


def test_tags_of_a_version_are_read_with_a_read_only_profile(demo_server, demo_prefix):
    here = {"Bucket": BUCKET, "Key": f"{demo_prefix}x"}
    clients = ClientFactory(demo_server.connection)
    version = clients.s3().put_object(**here, Body=b"1")["VersionId"]
    clients.close()
    profile = replace(demo_server.connection.profile, colour=ProfileColour.RED)
    readers = ClientFactory(replace(demo_server.connection, profile=profile))
    assert readers.s3().get_object_tagging(**here, VersionId=version)["TagSet"] == []
    readers.close()


def test_all_arns_are_in_the_partition_of_the_region():
    for role in Role:
        text = text_of(policy_for(role, Scope("bkt", region="cn-north-1")))
        assert "arn:aws:" not in text
        assert "arn:aws-cn:s3:::bkt" in text
