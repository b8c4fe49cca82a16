"""Bucket policies that S3 refuses; PutBucketPolicy then answers `MalformedPolicy`.

Source: S3 user guide, "Policies and permissions in Amazon S3", and the messages of the service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.demo.request_checks.refusals import Code, Refused
from core.demo.request_checks.s3_actions import BUCKET_ACTIONS
from core.health.policy_conditions import as_list, unknown_operators
from core.health.policy_eval import open_to_everybody, statements_of
from core.health.policy_patterns import overlaps

#: Maximum length of a bucket policy in bytes.
_POLICY_BYTES = 20_480


def check_policy(bucket: str, body: bytes, *, block_public: bool) -> None:
    """Refuse a policy that S3 refuses.

    Args:
        bucket: the bucket that the policy is for.
        body: the policy as it was sent.
        block_public: whether the bucket blocks public policies.

    Raises:
        Refused: with the error code and the message of S3.
    """
    text = body.decode("utf-8", "replace")
    if len(body) > _POLICY_BYTES:
        raise _malformed("Policy exceeds the maximum allowed document size.")
    if not text.startswith("{"):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    try:
        statements = statements_of(text)
    except ValueError as error:
        raise _malformed(f"Invalid policy syntax: {error}.") from None
    if not statements:
        raise _malformed("Missing required field Statement")
    for statement in statements:
        _check_statement(bucket, statement)
    if block_public and open_to_everybody(text).answer is not False:
        raise Refused(Code(403, "AccessDenied", "Public policies are prevented by a block"))


def _check_statement(bucket: str, statement: Mapping[str, Any]) -> None:
    actions = _texts(statement, "Action")
    resources = _texts(statement, "Resource")
    unknown = unknown_operators(statement.get("Condition"))
    if unknown:
        raise _malformed(f"Invalid Condition type : {unknown[0]}")
    if not all(action == "*" or action.lower().startswith("s3:") for action in actions):
        raise _malformed("Policy has invalid action")
    own = (f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*")
    if not all(any(overlaps(arn, each) for each in own) for arn in resources):
        raise _malformed("Policy has invalid resource")
    if "NotAction" in statement or "NotResource" in statement:
        return
    if not any(_applies(action, arn, bucket) for action in actions for arn in resources):
        raise _malformed("Action does not apply to any resource(s) in statement")


def _applies(action: str, arn: str, bucket: str) -> bool:
    """Return whether action and resource match: both of the bucket, or both of objects."""
    bucket_level = overlaps(arn, f"arn:aws:s3:::{bucket}")
    # At least one character: no object has an empty key.
    of_objects = overlaps(arn, f"arn:aws:s3:::{bucket}/?*")
    if "*" in action or "?" in action:
        return True
    return bucket_level if action[len("s3:") :] in BUCKET_ACTIONS else of_objects


def _texts(statement: Mapping[str, Any], name: str) -> Sequence[str]:
    return [str(each) for each in as_list(statement.get(name, statement.get(f"Not{name}", [])))]


def _malformed(message: str) -> Refused:
    return Refused(Code(400, "MalformedPolicy", message))
