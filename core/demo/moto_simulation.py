"""IAM's policy simulation, which moto 5.2 does not have: what a user may do, asked beforehand.

Source: API reference of SimulatePrincipalPolicy. Answered are a user's own, attached and group
policies without conditions; context keys, permission boundaries and resource policies are not.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.responses import IamResponse


@cache
def add_simulation() -> None:
    """Teach moto's IAM to answer SimulatePrincipalPolicy for users; once in a process."""
    response: Any = IamResponse
    response.simulate_principal_policy = _simulate


def _simulate(response: Any) -> ActionResult:
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
