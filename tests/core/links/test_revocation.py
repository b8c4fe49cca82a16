"""What ends links: the deactivated key, and a statement that denies links only."""

import urllib.error
import urllib.request
from datetime import timedelta

import pytest

from core.errors import InvalidInput, NotFound
from core.links.ledger import Entry, Ledger
from core.links.make import make_forms, make_links
from core.links.revocation import deactivate_key, deny_statement, links_of_key
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.model.rotation import Facts, Outcome, Rotation, RotationKind, Step, StepRecord, StepState
from core.objects import writing
from core.redaction import Secret
from core.rotation.journal import RotationJournal
from core.rotation.key_end import planned_key_end
from core.units import utc_now
from core.workspace import Workspace

NOW = utc_now()


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.fixture
def admin(demo_server):
    profile = Profile("demo", KeySource.SESSION, endpoint_url=demo_server.endpoint_url,
                      bucket="tentimecrypto", region="us-east-1")  # fmt: skip
    workspace = Workspace.open(Connection(profile, demo_server.admin))
    yield workspace
    workspace.close()


@pytest.fixture
def signer(admin):
    """A workspace of another user, whose key may be deactivated."""
    iam = admin.clients.iam()
    iam.create_user(UserName="signer")
    key = iam.create_access_key(UserName="signer")["AccessKey"]
    policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    iam.put_user_policy(UserName="signer", PolicyName="all", PolicyDocument=policy)
    keys = AccessKeys(key["AccessKeyId"], Secret(key["SecretAccessKey"]))
    workspace = Workspace.open(Connection(admin.profile, keys))
    yield workspace
    workspace.close()
    iam.delete_access_key(UserName="signer", AccessKeyId=keys.access_key_id)
    iam.delete_user_policy(UserName="signer", PolicyName="all")
    iam.delete_user(UserName="signer")


def test_a_deactivated_key_ends_its_links_and_no_others(admin, signer, tmp_path):
    ledger = Ledger(tmp_path)
    writing.put(admin.bucket, "to-be-revoked", b"content")
    (ours,) = make_links(admin.bucket, ["to-be-revoked"], ledger=ledger)
    (theirs,) = make_links(signer.bucket, ["to-be-revoked"], ledger=ledger)
    make_forms(signer.bucket, ["form"], ledger=ledger)
    key_id = signer.clients.frozen_keys().access_key_id
    assert status(theirs.url.reveal()) == 200
    assert len(links_of_key(key_id, ledger)) == 2
    done = deactivate_key(admin.clients, key_id, ledger)
    assert (done.user, done.ended_links) == ("signer", 2)
    assert (status(theirs.url.reveal()), status(ours.url.reveal())) == (403, 200)


def test_keys_that_cannot_be_deactivated_are_explained(admin, tmp_path):
    with pytest.raises(InvalidInput, match="cannot be deactivated"):
        deactivate_key(admin.clients, "ASIAEXAMPLE", Ledger(tmp_path))
    with pytest.raises(NotFound):
        deactivate_key(admin.clients, "AKIAUNKNOWN123456789", Ledger(tmp_path))


def entry(method: str = "GET", key: str = "reports/a*b?$c.csv") -> Entry:
    return Entry("bucket", key, method, NOW, NOW + timedelta(hours=1), "demo", "AKIA1")


def test_the_denied_object_is_exactly_the_key():
    statement = deny_statement(entry())
    assert statement["Resource"] == "arn:aws:s3:::bucket/reports/a${*}b${?}${$}c.csv"
    assert statement["Action"] == ["s3:GetObject", "s3:GetObjectVersion"]
    assert statement["Condition"] == {"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}
    assert deny_statement(entry(), "cn-north-1")["Resource"].startswith("arn:aws-cn:s3:::bucket/")
    form = deny_statement(entry("POST"))
    assert (form["Action"], form["Condition"]["StringEquals"]["s3:authType"]) == (
        "s3:PutObject",
        "POST",
    )


def test_the_denied_objects_of_a_form_for_a_prefix_are_those_below_it():
    resource = "arn:aws:s3:::bucket/in/a${*}/"
    assert deny_statement(entry("POST", "in/a*/"))["Resource"] == f"{resource}*"
    assert deny_statement(entry("PUT", "in/a*/"))["Resource"] == resource


def rotation(outcome: Outcome, *done: Step, due=None) -> Rotation:
    steps = [StepRecord(step, StepState.DONE if step in done else StepState.WAITING)
             for step in (Step.PROMOTE, Step.DEACTIVATE, Step.DELETE)]  # fmt: skip
    return Rotation(
        "6f1f0c0e-0000-4000-8000-000000000001", RotationKind.IAM_KEY, "secret", NOW, NOW,
        outcome=outcome, steps=tuple(steps), facts=Facts(old_key_id="AKIAOLD"), due=due,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "ends"),
    [
        (rotation(Outcome.WAITING, Step.PROMOTE, due=NOW + timedelta(hours=1)), True),
        (rotation(Outcome.STOPPED, Step.PROMOTE), True),
        (rotation(Outcome.WAITING, Step.PROMOTE, Step.DEACTIVATE), False),
        (rotation(Outcome.UNDONE, Step.PROMOTE), False),
        (rotation(Outcome.RUNNING), False),
    ],
)
def test_a_rotation_that_waits_ends_the_old_key(tmp_path, found, ends):
    journal = RotationJournal(tmp_path)
    journal.write(found)
    end = planned_key_end("AKIAOLD", journal)
    assert (end is not None) is ends
    assert not ends or end == (found.due or end)
    assert planned_key_end("AKIAOTHER", journal) is None
