"""Settings and replacements in moto for the demo. Import this module before any of moto.

Each replacement has its reason in its docstring; the files of moto are not changed.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

os.environ["S3_IGNORE_SUBDOMAIN_BUCKETNAME"] = "true"  # buckets are in the path, as on loopback
os.environ["MOTO_ALLOW_NONEXISTENT_REGION"] = "true"

from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.responses import IamResponse
from moto.moto_server.utilities import RegexConverter
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    create_backend_app,
)
from moto.s3 import responses
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey
from werkzeug.routing import BaseConverter

from core.demo.moto_listings import speed_up_listings
from core.demo.moto_repairs import repair_moto
from core.health.policy_eval import open_to_everybody

__all__ = ["DomainDispatcherApplication", "application"]


def application() -> DomainDispatcherApplication:
    """Return moto's WSGI application for all services, tuned for the demo."""
    for owner, name, replacement in (
        (RegexConverter, "__init__", _any_character),
        (FakeKey, "__deepcopy__", _shallow),
        (FakeKey, "last_modified_ISO8601", property(_modified)),
        (FakeDeleteMarker, "last_modified_ISO8601", property(_modified)),
        (FakeBucket, "get_permission", _no_decision),
        (responses, "bucket_policy_is_public", _is_public),
        (IamResponse, "simulate_principal_policy", _simulate),
    ):
        setattr(owner, name, replacement)
    repair_moto()
    speed_up_listings()
    return DomainDispatcherApplication(create_backend_app)


def _any_character(converter: RegexConverter, url_map: Any, *items: str) -> None:
    """Make `.` in the routes of moto match a newline as well: a key may contain one."""
    BaseConverter.__init__(converter, url_map)
    converter.regex = f"(?s:{items[0]})"


class _SharedKey(FakeKey):
    """A copy of a key that shares its bytes, and therefore never closes them."""

    def dispose(self, garbage: bool = False) -> None:
        """Do nothing: the original key closes the bytes."""


def _shallow(key: FakeKey, _memo: object) -> FakeKey:
    """Copy a key without its bytes: moto copies the bucket to list the versions of one key."""
    copied: FakeKey = object.__new__(_SharedKey)
    copied.__dict__.update(key.__dict__)
    return copied


def _modified(version: FakeKey | FakeDeleteMarker) -> datetime:
    """Return the time for the serializer: moto formats it as text, which is parsed again."""
    moment: datetime = version.last_modified
    return moment


def _no_decision(_bucket: FakeBucket, _action: str, _resource: str) -> PermissionResult:
    """Return no decision: `request_checks` evaluates bucket policies.

    moto denies access for any condition that it does not know.
    """
    return PermissionResult.NEUTRAL


def _is_public(policy: bytes | str) -> bool:
    """Return whether a policy is public as S3 defines it: moto regards any condition as a limit."""
    text = policy.decode() if isinstance(policy, bytes) else policy
    return open_to_everybody(text).answer is not False


def _simulate(response: Any) -> ActionResult:
    """Answer SimulatePrincipalPolicy, which moto 5.2 does not have.

    Policies of the user and of its groups without conditions are supported; context keys,
    permission boundaries and resource policies are not.
    """
    given = response._get_param  # noqa: SLF001 - there is no public way to a parameter
    name = str(given("PolicySourceArn")).rpartition("/")[2]
    resources = given("ResourceArns", None) or ["*"]
    policies = [IAMPolicy(policy) for policy in _policies(response.backend, name)]
    results = [
        {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": _decision(policies, action, resource),
        }
        for action in given("ActionNames", [])
        for resource in resources
    ]
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _policies(backend: Any, name: str) -> list[Any]:
    """Return all policies of a user; moto raises NoSuchEntity for an unknown one."""
    backend.get_user(name)
    found = [backend.get_user_policy(name, each) for each in backend.list_user_policies(name)]
    found += backend.list_attached_user_policies(name)[0]
    for group in backend.get_groups_for_user(name):
        inline = backend.list_group_policies(group.name)
        found += [backend.get_group_policy(group.name, each) for each in inline]
        found += backend.list_attached_group_policies(group.name)[0]
    return found


def _decision(policies: list[IAMPolicy], action: str, resource: str) -> str:
    results = {policy.is_action_permitted(action, resource) for policy in policies}
    if PermissionResult.DENIED in results:
        return "explicitDeny"
    return "allowed" if PermissionResult.PERMITTED in results else "implicitDeny"
