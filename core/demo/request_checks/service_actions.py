"""The permissions and resources that a request to another service than S3 requires."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from moto.secretsmanager.models import secretsmanager_backends

from core.demo.request_checks.principals import ACCOUNT, Principal
from core.demo.request_checks.request import Incoming
from core.demo.request_checks.s3_actions import Need
from core.demo.request_checks.signature import Claim

#: Services of the demo: the name in the signature, and the prefix in policies.
SERVICES = {
    "cloudtrail": "cloudtrail",
    "iam": "iam",
    "kms": "kms",
    "monitoring": "cloudwatch",
    "s3": "s3",
    "secretsmanager": "secretsmanager",
    "sts": "sts",
}
#: Actions that any valid key may use; AWS allows them even despite an explicit denial.
ALWAYS = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
#: Secrets Manager operations that concern no single secret.
_NO_SECRET = frozenset({"ListSecrets", "GetRandomPassword", "BatchGetSecretValue"})


def operation_of(request: Incoming) -> str:
    """Return the API operation that a request names: in a header, its body, or its path."""
    target = request.headers.get("x-amz-target")
    if target:
        return target.rpartition(".")[2]
    if "smithy-protocol" in request.headers:
        return request.path.rpartition("/")[2]
    return dict(_form(request)).get("Action", "")


def needs(request: Incoming, claim: Claim, principal: Principal) -> list[Need]:
    """Return the permission that a request requires: an action and a resource."""
    operation = operation_of(request)
    action = f"{SERVICES[claim.service]}:{operation}"
    if claim.service == "secretsmanager":
        return [(action, _secret_arn(request, claim, operation))]
    if claim.service == "iam":
        return [(action, _iam_arn(dict(_form(request)), principal))]
    if action == "sts:AssumeRole":
        return [(action, dict(_form(request)).get("RoleArn", "*"))]
    return [(action, "*")]


def _form(request: Incoming) -> list[tuple[str, str]]:
    return [*request.query, *parse_qsl(request.body.decode("utf-8", "replace"))]


def _secret_arn(request: Incoming, claim: Claim, operation: str) -> str:
    if operation in _NO_SECRET:
        return "*"
    requested = body_of(request)
    name = str(requested.get("SecretId") or requested.get("Name") or "")
    if name.startswith("arn:"):
        return name
    held = secretsmanager_backends[ACCOUNT][claim.region].secrets
    if name in held.keys():  # noqa: SIM118 - moto's store answers `in` for names only here
        return str(held[name].arn)
    # A secret that does not exist yet: AWS adds six random characters to its name.
    return f"arn:aws:secretsmanager:{claim.region}:{ACCOUNT}:secret:{name}-??????"


def body_of(request: Incoming) -> dict[str, Any]:
    """Return the fields of a JSON body; none if it is not a JSON object."""
    try:
        found = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _iam_arn(form: dict[str, str], principal: Principal) -> str:
    if "PolicyArn" in form and "UserName" not in form and "RoleName" not in form:
        return form["PolicyArn"]
    if "RoleName" in form:
        return f"arn:aws:iam::{ACCOUNT}:role/{form['RoleName']}"
    if "UserName" in form:
        return f"arn:aws:iam::{ACCOUNT}:user/{form['UserName']}"
    if "AccessKey" in form.get("Action", "") or form.get("Action") == "GetUser":
        return principal.arn
    return "*"
