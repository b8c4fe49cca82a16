"""Policies are evaluated with effect, principal, action, resource and condition together."""

import fnmatch
import itertools
import json

import pytest

from core.health.facts import QUESTIONS, Status
from core.health.policy_conditions import conditions_hold, matches
from core.health.policy_eval import always_denied, decision, open_to_everybody
from core.health.policy_patterns import covers, overlaps

BUCKET = "arn:aws:s3:::b"
OBJECTS = f"{BUCKET}/*"
PLAIN = {"aws:securetransport": "false"}
TLS = next(question for question in QUESTIONS if question.name == "tls")


def deny(**changes):
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [BUCKET, OBJECTS],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {name: value for name, value in {**statement, **changes}.items() if value is not None}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


SPELLINGS = [
    deny(),
    deny(Principal={"AWS": "*"}),
    deny(Principal={"AWS": ["*"]}),
    deny(Action="*"),
    deny(Action=["s3:Get*", "S3:*"]),
    deny(Action=None, NotAction="iam:*"),
    deny(Resource="*"),
    deny(Resource=f"{BUCKET}*"),
    deny(Resource=["arn:aws:s3:::*"]),
    deny(Resource=["arn:aws-cn:s3:::b", "arn:aws-cn:s3:::b/*"]),
    deny(Resource=None, NotResource="arn:aws:s3:::other/*"),
    deny(Condition={"Bool": {"aws:SecureTransport": ["false"]}}),
    deny(Condition={"Bool": {"aws:SecureTransport": False}}),
    deny(Condition={"BoolIfExists": {"AWS:securetransport": "False"}}),
    deny(Condition={"StringEquals": {"aws:SecureTransport": "false"}}),
    deny(Condition={"StringNotEquals": {"aws:SecureTransport": "true"}}),
    deny(Condition={"Null": {"aws:SecureTransport": "false"}}),
    deny(
        Condition={
            "Bool": {"aws:SecureTransport": "false"},
            "Null": {"aws:SecureTransport": "false"},
        }
    ),
    deny(Condition=None),
]


@pytest.mark.parametrize("statement", SPELLINGS, ids=json.dumps)
def test_every_spelling_of_tls_only_is_recognised(statement):
    assert TLS.read({"Policy": policy(statement), "Bucket": "b"})[0] is Status.GOOD
    alone = json.dumps({"Statement": statement})  # one statement needs no list
    assert always_denied(alone, "b", PLAIN).answer is True


def test_statements_count_together():
    parts = (deny(Resource=BUCKET), deny(Resource=OBJECTS))
    assert always_denied(policy(*parts), "b", PLAIN).answer is True
    assert always_denied(policy(parts[0]), "b", PLAIN).answer is False


WEAKER = [
    (deny(Effect="Allow"), ""),
    (deny(Principal={"AWS": "arn:aws:iam::123456789012:user/bot"}), "user/bot"),
    (deny(Principal={"Service": "*"}), "only applies to *"),
    (deny(Principal=None, NotPrincipal={"AWS": "arn:aws:iam::1:root"}), "exempts"),
    (deny(Action="s3:GetObject"), "s3:GetObject"),
    (deny(Action=["s3:Get*", "s3:Put*"]), "s3:Put*"),
    (deny(Action=None, NotAction="s3:PutObject"), "everything except s3:PutObject"),
    (deny(Resource=OBJECTS), "the bucket itself"),
    (deny(Resource=BUCKET), "its objects"),
    (deny(Resource=[BUCKET, f"{BUCKET}/logs/*"]), "its objects"),
    (deny(Resource=["arn:aws:s3:::B", "arn:aws:s3:::B/*"]), "the bucket itself"),
    (deny(Resource=["arn:aws:s3:::other", "arn:aws:s3:::other/*"]), "its objects"),
    (deny(Resource=[BUCKET, f"{BUCKET}/${{aws:username}}/*"]), "its objects"),
    (deny(Resource=None, NotResource=f"{BUCKET}/public/*"), "its objects"),
    (deny(Condition={"Bool": {"aws:SecureTransport": "true"}}), "does not match"),
    (deny(Condition={"Null": {"aws:SecureTransport": "true"}}), "does not match"),
    (deny(Condition={"Bool": {"aws:ViaAWSService": "false"}}), ""),
    (
        deny(
            Condition={
                "Bool": {"aws:SecureTransport": "false"},
                "StringEquals": {"aws:SourceVpce": "vpce-1"},
            }
        ),
        "aws:SourceVpce",
    ),
    (
        deny(Condition={"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}),
        "aws:ViaAWSService",
    ),
]


@pytest.mark.parametrize(("statement", "why"), WEAKER, ids=lambda value: json.dumps(value)[:90])
def test_a_weaker_policy_is_not_good_and_the_gap_is_named(statement, why):
    status_of, evidence, _risk = TLS.read({"Policy": policy(statement), "Bucket": "b"})
    assert status_of is Status.NOTE
    assert why in evidence
    assert always_denied(policy(statement), "b", PLAIN).answer is False


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (policy(deny(Condition={"BoolUnless": {"aws:SecureTransport": "false"}})), "BoolUnless"),
        (policy(deny(Condition=["aws:SecureTransport"])), "Condition"),
        ("no JSON", "not a JSON object"),
        ("[]", "not a JSON object"),
        (policy("text"), "statement"),
        (policy(deny(Effect="deny")), "Effect"),
        (policy(deny(Principal=None)), "Principal"),
        (policy(deny(NotAction="iam:*")), "Action"),
        (policy(deny(Resource=None)), "Resource"),
    ],
)
def test_what_cannot_be_judged_says_so_and_is_never_good(text, why):
    status_of, evidence, _risk = TLS.read({"Policy": text, "Bucket": "b"})
    if "Condition" not in why:
        assert status_of is Status.UNJUDGED
    assert status_of in {Status.UNJUDGED, Status.NOTE}
    assert why in evidence or status_of is Status.NOTE
    assert always_denied(text, "b", PLAIN).answer is not True


def test_an_answer_without_a_policy_is_not_a_policy_without_statements():
    assert TLS.read({})[0] is Status.UNJUDGED
    assert TLS.read({"Policy": policy()})[0] is Status.NOTE


def allow(**changes):
    return deny(**{"Effect": "Allow", "Action": "s3:GetObject", "Condition": None, **changes})


PUBLIC = [
    allow(),
    allow(Principal={"AWS": ["arn:aws:iam::1:root", "*"]}),
    allow(Principal=None, NotPrincipal={"AWS": "arn:aws:iam::1:root"}),
    allow(Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}),
    allow(Condition={"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "0.0.0.0/1"]}}),
    allow(Condition={"IpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"}}),
    allow(Condition={"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
    allow(Condition={"StringLike": {"aws:SourceVpc": "*"}}),
    allow(Condition={"StringEquals": {"aws:SourceArn": "arn:aws:s3:::${aws:username}"}}),
    allow(Condition={"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
    allow(Condition={"StringEquals": {"aws:Referer": "https://example.org/"}}),
    allow(Condition={"Bool": {"aws:SecureTransport": "true"}}),
    allow(Condition={"Null": {"aws:SourceVpc": "true"}}),
]
PRIVATE = [
    allow(Effect="Deny"),
    allow(Principal={"AWS": "arn:aws:iam::123456789012:root"}),
    allow(Principal={"Service": "logging.s3.amazonaws.com"}),
    allow(Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
    allow(Condition={"StringEquals": {"aws:PrincipalOrgID": ["o-1", "o-2"]}}),
    allow(Condition={"StringEquals": {"AWS:SourceVpce": "vpce-1"}, "Bool": {"x": "true"}}),
    allow(Condition={"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:us-east-1:1:accesspoint/*"}}),
]


@pytest.mark.parametrize("statement", PUBLIC, ids=json.dumps)
def test_a_grant_to_everybody_is_public(statement):
    found = open_to_everybody(policy(allow(Effect="Deny"), statement))
    assert found.answer is True
    assert "s3:GetObject" in found.reasons[0]


@pytest.mark.parametrize("statement", PRIVATE, ids=json.dumps)
def test_a_grant_to_someone_in_particular_is_not(statement):
    assert open_to_everybody(policy(statement)).answer is False


def test_a_grant_with_an_unknown_operator_cannot_be_judged():
    strange = allow(Condition={"StringResembles": {"aws:SourceVpc": "vpc-1"}})
    assert open_to_everybody(policy(strange)).answer is None
    assert open_to_everybody("{").answer is None
    assert open_to_everybody(policy(strange, allow())).answer is True


CONTEXT = {
    "s3:prefix": "logs/a",
    "aws:sourceip": "203.0.113.9",
    "aws:currenttime": "2026-03-01T00:00:00Z",
    "s3:max-keys": "10",
    "aws:tagkeys": ("team", "cost"),
    "aws:principalarn": "arn:aws:iam::123456789012:user/ops/ann",
    "aws:username": "ann",
    "s3:versionid": None,
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringEquals": {"S3:Prefix": "logs/a"}}, True),
        ({"StringEquals": {"s3:prefix": ["x", "logs/a"]}}, True),
        ({"StringNotEquals": {"s3:prefix": ["x", "logs/a"]}}, False),
        ({"StringEqualsIgnoreCase": {"s3:prefix": "LOGS/A"}}, True),
        ({"StringEquals": {"s3:prefix": "LOGS/A"}}, False),
        ({"StringLike": {"s3:prefix": "logs/?"}}, True),
        ({"StringNotLike": {"s3:prefix": "logs/*"}}, False),
        ({"StringLike": {"s3:prefix": "${aws:username}/*"}}, False),
        ({"StringLike": {"s3:prefix": "${aws:unheard}/*"}}, None),
        ({"StringEquals": {"s3:prefix": "logs/a"}, "Bool": {"aws:unheard": "true"}}, None),
        ({"StringEquals": {"s3:prefix": "x"}, "Bool": {"aws:unheard": "true"}}, False),
        ({"StringEquals": {"s3:prefix": "logs/a", "s3:max-keys": "11"}}, False),
        ({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "203.0.113.0/24"]}}, True),
        ({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, False),
        ({"IpAddress": {"aws:SourceIp": "not a network"}}, None),
        ({"NumericLessThanEquals": {"s3:max-keys": "10"}}, True),
        ({"NumericGreaterThan": {"s3:max-keys": 10}}, False),
        ({"NumericEquals": {"s3:max-keys": "ten"}}, None),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "1767225600"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/ops/*"}}, True),
        ({"ArnEquals": {"aws:PrincipalArn": "arn:*:user/ops/*"}}, False),
        ({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/dev/*"}}, True),
        ({"Null": {"s3:VersionId": "true"}}, True),
        ({"Null": {"s3:prefix": True}}, False),
        ({"StringEquals": {"s3:VersionId": "1"}}, False),
        ({"StringEqualsIfExists": {"s3:VersionId": "1"}}, True),
        ({"StringNotEquals": {"s3:VersionId": "1"}}, True),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["cost", "x"]}}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["cost", "x"]}}, False),
        ({"ForAllValues:StringEquals": {"s3:VersionId": "1"}}, True),
        ({"ForAnyValue:StringEquals": {"s3:VersionId": "1"}}, False),
        ({"ForSomeValues:StringEquals": {"aws:TagKeys": "x"}}, None),
        ({"BinaryEquals": {"s3:prefix": "logs/a"}}, True),
        ({}, True),
    ],
)
def test_operators_compare_as_aws_documents_them(condition, expected):
    assert conditions_hold(condition, CONTEXT) is expected


def test_a_role_is_named_by_its_own_arn_and_by_its_sessions():
    session = {"aws:principalarn": "arn:aws:sts::123456789012:assumed-role/ops/ann"}
    for name in ("arn:aws:iam::123456789012:role/ops", session["aws:principalarn"], "123456789012"):
        statement = allow(Principal={"AWS": name})
        assert decision([{"Statement": statement}], "s3:GetObject", f"{BUCKET}/k", session) is True
    exempt = deny(
        Principal=None,
        NotPrincipal={"AWS": "arn:aws:iam::123456789012:role/ops"},
        Condition=None,
    )
    assert decision([{"Statement": exempt}], "s3:GetObject", f"{BUCKET}/k", session) is None
    other = {"aws:principalarn": "arn:aws:iam::123456789012:user/bob"}
    assert decision([{"Statement": exempt}], "s3:GetObject", f"{BUCKET}/k", other) is False


def test_patterns_are_compared_with_each_other_as_with_texts():
    texts = ["".join(text) for n in range(5) for text in itertools.product("ab", repeat=n)]
    patterns = ["".join(text) for n in range(4) for text in itertools.product("a*?", repeat=n)]
    fitting = {pattern: {t for t in texts if matches(pattern, t)} for pattern in patterns}
    assert fitting == {pattern: set(fnmatch.filter(texts, pattern)) for pattern in patterns}
    assert not matches("*?" * 40 + "X", "a" * 100)  # which has more ways than can be tried
    for one, other in itertools.product(patterns, repeat=2):
        assert overlaps(one, other) is bool(fitting[one] & fitting[other])
        assert not covers(one, other) or fitting[other] <= fitting[one]
    assert covers("s3:*", "s3:?*")
    assert not covers("s3:?*", "s3:*")
