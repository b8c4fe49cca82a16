"""A bucket is public or not by account block, bucket block, policy and ACL together."""

import itertools

import pytest
from helpers.aws import connection
from moto import mock_aws

from core.aws.clients import ClientFactory
from core.errors import AccessDenied, Cancelled, NotFound
from core.health import account_block as module
from core.health.account_block import AccountBlock, account_block
from core.health.policy_eval import Judgement
from core.health.public_access import Exposure, grants_to_everybody, judge
from core.model.identity import Identity

YES, NO, UNKNOWN = Judgement(answer=True, reasons=("grants",)), Judgement(answer=False), None
ALL = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)


def seen(**changes):
    values = {
        "account": AccountBlock({}, on_aws=True),
        "block": {},
        "policy": NO,
        "status": False,
        "acl": (),
        "acls_disabled": False,
        **changes,
    }
    return Exposure(**values)


@pytest.mark.parametrize(
    ("changes", "public", "text"),
    [
        ({"policy": YES, "status": True}, True, "through the policy"),
        ({"policy": YES, "status": False}, True, "through the policy"),
        ({"acl": ("READ",)}, True, "through the ACL"),
        ({"policy": YES, "acl": ("READ",)}, True, "the policy and the ACL"),
        ({"policy": YES, "block": {"RestrictPublicBuckets": True}}, False, "a block is effective"),
        ({"policy": YES, "block": {"BlockPublicPolicy": True}}, True, "through the policy"),
        ({"policy": YES, "account": AccountBlock(ALL, on_aws=True)}, False, "a block is effective"),
        ({"acl": ("READ",), "block": {"IgnorePublicAcls": True}}, False, "a block is effective"),
        ({"acl": ("READ",), "block": {"BlockPublicAcls": True}}, True, "through the ACL"),
        ({"acl": ("READ",), "acls_disabled": True}, False, "a block is effective"),
        ({"block": ALL}, False, "ACLs are disabled or ignored"),
        ({}, False, "neither the policy nor the ACL"),
        ({"policy": None, "status": None}, None, "the bucket policy"),
        ({"policy": None, "status": False}, False, "neither the policy nor the ACL"),
        ({"policy": None, "account": AccountBlock({}, on_aws=False)}, None, "the bucket policy"),
        ({"policy": YES, "account": AccountBlock(None, on_aws=True)}, None, "the account's block"),
        ({"policy": YES, "block": None}, None, "the bucket's block is not known"),
        (
            {"policy": NO, "block": None, "acl": None, "acls_disabled": None}, None,
            "the ACL, the bucket's block and the object ownership are not known",
        ),
        ({"policy": None, "status": None, "block": ALL}, False, "ACLs are disabled or ignored"),
        ({"policy": Judgement(answer=None, reasons=("StrangeOperator is not supported",)),
          "status": None}, None, "StrangeOperator"),
    ],
)  # fmt: skip
def test_each_part_counts(changes, public, text):
    found, evidence, _risk = judge(seen(**changes))
    assert found is public
    assert text in evidence


def test_objects_with_acls_of_their_own_are_mentioned_while_acls_count():
    assert "Single objects" in judge(seen())[2]
    assert judge(seen(acls_disabled=True))[2] == ""


def test_what_is_unknown_never_makes_a_bucket_less_public():
    """Every combination: with a part unknown the judgement is unknown or the same."""
    parts = {
        "policy": (YES, NO, None),
        "status": (True, False, None),
        "acl": (("READ",), (), None),
        "acls_disabled": (True, False, None),
        "block": (ALL, {}, None),
    }
    for values in itertools.product(*parts.values()):
        given = dict(zip(parts, values, strict=True))
        known = judge(seen(**given))[0]
        for name in parts:
            assert judge(seen(**{**given, name: None}))[0] in {known, None} or (
                name in {"policy", "status"}  # one of the two judgements of the policy is enough
            )


def test_an_acl_names_everybody_by_the_url_of_a_group():
    everybody = "http://acs.amazonaws.com/groups/global/AllUsers"
    signed_in = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
    logs = "http://acs.amazonaws.com/groups/s3/LogDelivery"
    grants = [
        {"Grantee": {"URI": uri}, "Permission": permission}
        for uri, permission in ((everybody, "READ"), (signed_in, "WRITE"), (logs, "WRITE_ACP"))
    ]
    owner = {"Grantee": {"ID": "owner"}, "Permission": "FULL_CONTROL"}
    assert grants_to_everybody({"Grants": [owner, *grants]}) == ("READ", "WRITE")
    assert grants_to_everybody({"Grants": [owner]}) == ()
    assert grants_to_everybody({}) is None


class Account:
    def __init__(self, answer):
        self.answer = answer

    def get_public_access_block(self, *, AccountId):  # noqa: N803 - the parameter of AWS
        assert AccountId == "123456789012"
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "settings"),
    [
        ({"PublicAccessBlockConfiguration": ALL}, ALL),
        (NotFound("none"), {}),
        (AccessDenied("no"), None),
    ],
)
def test_the_account_is_asked_on_aws(monkeypatch, answer, settings):
    clients = ClientFactory(connection())
    who = Identity("123456789012", "arn:aws:iam::123456789012:user/a", "a")
    monkeypatch.setattr(module, "identity", lambda _clients, *, work: who)
    monkeypatch.setattr(ClientFactory, "s3_account", lambda _clients: Account(answer))
    assert account_block(clients) == AccountBlock(settings, on_aws=True)


def test_other_servers_have_no_account_and_a_cancel_is_no_answer(monkeypatch):
    elsewhere = ClientFactory(connection(endpoint_url="http://127.0.0.1:9"))
    assert account_block(elsewhere) == AccountBlock({}, on_aws=False)

    def cancelled(*_arguments, **_named):
        raise Cancelled("stop")

    monkeypatch.setattr(module, "identity", cancelled)
    with pytest.raises(Cancelled):
        account_block(ClientFactory(connection()))


def test_the_account_s_settings_are_read_as_aws_sends_them():
    with mock_aws():
        clients = ClientFactory(connection())
        assert account_block(clients) == AccountBlock({}, on_aws=True)
        clients.s3_account().put_public_access_block(
            AccountId="123456789012", PublicAccessBlockConfiguration=ALL
        )
        assert account_block(clients) == AccountBlock(ALL, on_aws=True)
        clients.close()
