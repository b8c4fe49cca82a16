"""Each fact about the safety of a bucket is reported as good, bad, denied or unsupported."""

import json

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from helpers.moto_bucket import moto_bucket

from core.errors import NotFound, Offline
from core.health.facts import QUESTIONS, Status, fetch


class Client:
    """Answers every question with what it was given: an answer, or an error's code."""

    def __init__(self, **answers):
        self._answers = answers

    def __getattr__(self, name):
        def call(**_arguments):
            answer = self._answers.get(name, {})
            if isinstance(answer, str):
                status = 501 if answer == "NotImplemented" else 404 if "No" in answer else 403
                status = 400 if answer == "InvalidRequest" else status
                raise ClientError(
                    {"Error": {"Code": answer, "Message": answer},
                     "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}}}, name,
                )  # fmt: skip
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


class Clients:
    """A server that is not AWS: there is no account whose settings count."""

    endpoint_url = "http://127.0.0.1:9"


class Bucket:
    name = "b"
    clients = Clients()

    def __init__(self, **answers):
        self.client = Client(**answers)


def status_of(name, **answers):
    return fetch(Bucket(**answers)).get(name).status


ALL_ON = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
AES = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
TLS = {
    "Statement": {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
}
EVERYBODY = {"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"},
             "Permission": "READ"}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "call", "good", "bad"),
    [
        ("encryption", "get_bucket_encryption", {"ServerSideEncryptionConfiguration": AES},
         "ServerSideEncryptionConfigurationNotFoundError"),
        ("versioning", "get_bucket_versioning", {"Status": "Enabled"}, {"Status": "Suspended"}),
        ("public-access", "get_public_access_block", {"PublicAccessBlockConfiguration": ALL_ON},
         "NoSuchPublicAccessBlockConfiguration"),
        ("policy", "get_bucket_policy_status", "NoSuchBucketPolicy",
         {"PolicyStatus": {"IsPublic": True}}),
        ("acl", "get_bucket_acl", {"Grants": []}, {"Grants": [EVERYBODY]}),
        ("ownership", "get_bucket_ownership_controls",
         {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
         "OwnershipControlsNotFoundError"),
        ("tls", "get_bucket_policy", {"Policy": json.dumps(TLS)}, {"Policy": '{"Statement": []}'}),
        ("logging", "get_bucket_logging", {"LoggingEnabled": {"TargetBucket": "l"}}, {}),
    ],
)  # fmt: skip
def test_each_fact_good_bad_denied_and_unsupported(name, call, good, bad):
    assert status_of(name, **{call: good}) is Status.GOOD
    assert status_of(name, **{call: bad}) in {Status.BAD, Status.NOTE}
    denied = fetch(Bucket(**{call: "AccessDenied"})).get(name)
    assert denied.status is Status.DENIED
    assert denied.evidence == f"requires {denied.action}"
    assert denied.action.startswith("s3:Get")
    assert status_of(name, **{call: "NotImplemented"}) is Status.UNSUPPORTED


@pytest.mark.parametrize("code", ["NoSuchConfiguration", "InvalidRequest", "WebsiteNotFoundError"])
def test_an_odd_answer_to_one_question_leaves_the_others(code):
    calls = {xform_name(question.operation): question.name for question in QUESTIONS}
    for call, name in calls.items():
        facts = fetch(Bucket(**{call: code}))
        fact = facts.get(name)
        assert fact.status is Status.UNJUDGED
        assert code in fact.evidence
        others = [each for each in facts.facts if each.name not in {name, "public", "policy"}]
        assert all(code not in each.evidence for each in others)


def test_a_public_acl_is_not_judged_without_the_ownership_of_objects():
    answers = {"get_bucket_acl": {"Grants": [EVERYBODY]}}
    assert status_of("public", **answers) is Status.BAD
    answers["get_bucket_ownership_controls"] = "InvalidRequest"
    assert status_of("public", **answers) is Status.UNJUDGED


def test_a_missing_bucket_is_a_failure_not_a_fact():
    with pytest.raises(NotFound):
        fetch(Bucket(get_bucket_encryption="NoSuchBucket"))


def test_a_bucket_out_of_reach_is_a_failure_not_a_fact():
    with pytest.raises(Offline):
        fetch(Bucket(get_bucket_encryption=Offline("gone")))


def test_a_real_bucket_answers_every_question():
    with moto_bucket(versioned=True) as bucket:
        facts = fetch(bucket)
    names = [question.name for question in QUESTIONS]
    assert [fact.name for fact in facts.facts] == ["public", *names]
    assert facts.get("versioning").status is Status.GOOD
    assert facts.get("policy").evidence == "there is no bucket policy"
