"""Translation of AWS and network errors to `StorageError`s, around every call to AWS.

The original exception is never attached as a cause: botocore's texts can contain the refused value.
`details` has the code, the status, the request id and the redacted message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.aws.actions import action_of
from core.aws.current_work import in_work
from core.aws.fault_codes import (
    EXPIRED,
    NO_BUCKET,
    SCHEDULED,
    SECRET_IS_FULL,
    SKEWED,
    WRONG_REGION,
    Fault,
    fault_for,
)
from core.aws.limits import CLOCK_SKEW_SECONDS
from core.aws.secret_faults import SECRET_MESSAGES
from core.errors import (
    ErrorKind,
    NoSuchBucket,
    NotAnS3Answer,
    NotFound,
    NotSupported,
    StorageError,
)
from core.redaction import redacted
from core.units import format_duration, format_moment, utc_now
from core.work import Work

REGION_HEADER = "x-amz-bucket-region"

_DENIED_ACTION = re.compile(r"not authorized to perform:? ([\w-]+:\w+)")
_DENIED_RESOURCE = re.compile(r"on resource:? \"?([^\s\"]+)")
_DENIED_BECAUSE = re.compile(r"because (.+)|with (an explicit deny.+)", re.DOTALL)
#: Kinds of policies, as named in AWS's denials.
_POLICY_KINDS = (
    "service control policy",
    "resource control policy",
    "permissions boundary",
    "session policy",
    "VPC endpoint policy",
    "resource-based policy",
    "identity-based policy",
)
#: Calls that botocore makes implicitly to get credentials, with their service.
_SIGN_IN_CALLS = {
    "AssumeRole": "sts",
    "AssumeRoleWithWebIdentity": "sts",
    "GetSessionToken": "sts",
    "GetRoleCredentials": "sso",
    "CreateToken": "sso-oauth",
}
_BY_MESSAGE = (
    (re.compile(r"(scheduled|marked) for deletion|marked deleted", re.IGNORECASE), SCHEDULED),
    (re.compile(r"token\b.*\bexpired", re.IGNORECASE | re.DOTALL), EXPIRED),
    *SECRET_MESSAGES,
)
#: The meaning of a code or status for one particular operation.
_BY_OPERATION: dict[tuple[str | int, str], Fault] = {
    (404, "s3:HeadBucket"): NO_BUCKET,
    ("LimitExceededException", "secretsmanager:PutSecretValue"): SECRET_IS_FULL,
    ("LimitExceededException", "secretsmanager:UpdateSecret"): SECRET_IS_FULL,
}
#: Of an answer to HEAD, which has no text, without any header of S3's.
NO_BUCKET_OR_S3 = Fault(
    "",
    NoSuchBucket,
    "Bucket {bucket} was not found",
    "The endpoint answered with status 404 and without any header of S3. Perhaps it is another kind "
    "of server, and the bucket exists elsewhere.",
    "Check the endpoint in the profile first, then the bucket's name.",
)
#: Services that an S3-compatible server may not have.
_OTHER_SERVICES = {
    "secretsmanager": "Secrets Manager",
    "sts": "STS",
    "iam": "IAM",
    "cloudwatch": "CloudWatch",
    "athena": "Athena",
}
_SIGNED_AT = re.compile(r"signature (expired|not yet current)", re.IGNORECASE)


@contextmanager
def translated(operation: str, subject: str = "", work: Work | None = None) -> Iterator[None]:
    """Translate every AWS or network error of the block to an error of `core.errors`.

    Args:
        operation: `service:Operation`, for example `s3:GetObject`; a denial names its IAM action.
        subject: the resource, for example `s3://bucket/key` or the name of a secret.
        work: its cancel token ends the requests of the block at once, even stalled ones, and they
            share its retry budget.

    Raises:
        StorageError: the translated error; its kind comes from the table in `fault_codes`.
        Cancelled: the token of `work` was cancelled.
    """
    try:
        with in_work(work):
            yield
    except Exception as error:  # the only place where AWS errors are translated; others propagate
        fault = translate(error, operation, subject)
        if fault is None or fault is error:
            raise
        raise fault from None


def translate(error: Exception, operation: str, subject: str = "") -> StorageError | None:
    """Translate an AWS or network exception to a `StorageError`; return None for any other."""
    if isinstance(error, StorageError):
        return error
    response = getattr(error, "response", None)
    failed = str(getattr(error, "operation_name", ""))
    if failed in _SIGN_IN_CALLS and failed not in operation:
        operation, subject = f"{_SIGN_IN_CALLS[failed]}:{failed}", ""
    if isinstance(response, Mapping):
        if _is_of_another_service(response, operation):
            return _not_offered(Answer.of(response), operation, subject)
        if "Error" in response:
            return _from_answer(Answer.of(response), operation, subject)
    from core.aws.exceptions import translate_other  # imports botocore: for failures only

    return translate_other(error, operation, subject)


def kind_of_answer(response: Mapping[str, Any], operation: str) -> ErrorKind | None:
    """Return the kind of error that an answer reports, or None for a success."""
    answer = Answer.of(response)
    if answer.status < 300 or answer.status == 304:
        return None
    if _is_of_another_service(response, operation):
        return ErrorKind.NOT_SUPPORTED
    if not answer.from_aws and answer.status < 500:
        return ErrorKind.NOT_S3
    return _row(answer, operation).error.kind


@dataclass(frozen=True, slots=True)
class Answer:
    """The content of an error answer, independent of botocore."""

    code: str
    message: str
    status: int
    request_id: str
    headers: Mapping[str, str]
    body: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, response: Mapping[str, Any]) -> Answer:
        """Create it from botocore's dictionary, any part of which may be missing."""
        error, meta = response.get("Error", {}), response.get("ResponseMetadata", {})
        return cls(
            code=str(error.get("Code", "") or ""),
            message=str(error.get("Message", "") or ""),
            status=int(meta.get("HTTPStatusCode", 0) or 0),
            request_id=str(meta.get("RequestId", "") or ""),
            headers={str(k).lower(): str(v) for k, v in meta.get("HTTPHeaders", {}).items()},
            body=error,
        )

    @property
    def region(self) -> str:
        """The correct region according to the server, or an empty string."""
        return self.headers.get(REGION_HEADER, "") or str(self.body.get("Region", "") or "")

    @property
    def is_marked(self) -> bool:
        """Whether it has a header that AWS or a compatible server adds."""
        return any(name.startswith("x-amz") for name in self.headers)

    @property
    def from_aws(self) -> bool:
        """Whether the answer comes from AWS or a compatible server, not from a captive portal."""
        html = self.headers.get("content-type", "").startswith("text/html")
        return not html or self.is_marked

    def skew_seconds(self, now: datetime) -> float | None:
        """Return by how many seconds the local clock is ahead of the server's `Date`."""
        server = self.server_time
        return None if server is None else (now - server).total_seconds()

    @property
    def server_time(self) -> datetime | None:
        """The time of the answer by the server's clock, if it states it."""
        from email.utils import parsedate_to_datetime  # 5 ms of each start, and rarely needed

        try:
            return parsedate_to_datetime(self.headers["date"]).astimezone(UTC)
        except (KeyError, ValueError):
            return None


def _is_of_another_service(response: Mapping[str, Any], operation: str) -> bool:
    """Return whether an S3-only server answered a request for another service.

    S3 reports an error as an XML document `Error`. STS and IAM use an `ErrorResponse`, and the
    others do not use XML: botocore then finds no code, or only the status. Each of them reports a
    missing resource and a denial with a code, so that the status alone proves neither.
    """
    service = operation.partition(":")[0]
    if service not in _OTHER_SERVICES:
        return False
    if "Error" not in response:
        return "Code" in response
    answer = Answer.of(response)
    if answer.code != str(answer.status) or not answer.from_aws:
        return False
    xml = service not in {"sts", "iam"} and "xml" in answer.headers.get("content-type", "")
    # Too many requests and errors of a server are temporary.
    final = 400 <= answer.status < 500 and answer.status != 429
    return xml or (final and not answer.is_marked)


def _not_offered(answer: Answer, operation: str, subject: str) -> NotSupported:
    name = _OTHER_SERVICES[operation.partition(":")[0]]
    return NotSupported(
        f"{name} is not supported by this server",
        cause=f"The endpoint answered {action_of(operation)} like a server without {name}.",
        remedy=f"Use a profile for AWS or for a server with {name}. Functions that only need S3 "
        "work.",
        subject=subject,
        action=action_of(operation),
        details=_details(answer, operation),
    )


def _from_answer(answer: Answer, operation: str, subject: str) -> StorageError:
    if not answer.from_aws and answer.status < 500:  # a gateway's 502 page is temporary
        return not_an_s3_answer(subject, f"HTTP status {answer.status}, an HTML page")
    row = _row(answer, operation)
    texts = _texts(answer, operation, subject)
    error = row.error(
        row.summary.format_map(texts),
        cause=" ".join(part for part in (row.cause.format_map(texts), texts["reason"]) if part),
        remedy=row.remedy.format_map(texts),
        subject=subject,
        action=texts["action"],
        details=_details(answer, operation),
    )
    return _with_delete_marker(error, answer)


def _row(answer: Answer, operation: str) -> Fault:
    """Return the row of an answer; its text and headers can be more specific than its code."""
    if _is_skewed(answer):
        return SKEWED
    for pattern, row in _BY_MESSAGE:
        if pattern.search(answer.message):
            return row
    # A signature for the wrong region; a bare HEAD has only the header with the right one.
    if answer.code in {"400", "BadRequest", "AuthorizationHeaderMalformed"} and answer.region:
        return WRONG_REGION
    known = (_BY_OPERATION.get((each, operation)) for each in (answer.code, answer.status))
    row = next(filter(None, known), None) or fault_for(answer.code, answer.status)
    bare = answer.code in {"", "404"} and not answer.is_marked
    return NO_BUCKET_OR_S3 if row is NO_BUCKET and bare else row


def _is_skewed(answer: Answer) -> bool:
    if _SIGNED_AT.search(answer.message):
        return True
    # A HEAD request is refused without a code; only the `Date` of the answer shows the reason.
    skew = answer.skew_seconds(utc_now()) if answer.status in {400, 401, 403} else None
    return skew is not None and abs(skew) > CLOCK_SKEW_SECONDS


class _Texts(dict[str, str]):
    """Values for the placeholders of a template; unknown placeholders become empty."""

    def __missing__(self, _key: str) -> str:
        return ""


def _texts(answer: Answer, operation: str, subject: str) -> _Texts:
    service = operation.partition(":")[0]
    denied = _DENIED_ACTION.search(answer.message)
    resource = _DENIED_RESOURCE.search(answer.message)
    because = _DENIED_BECAUSE.search(answer.message)
    bucket = subject.removeprefix("s3://").partition("/")[0] if service == "s3" else ""
    on_resource = resource.group(1).rstrip(".,") if resource else ""
    named = subject or on_resource or service
    action = denied.group(1) if denied else action_of(operation)
    # AWS names the resource of an action other than the requested one (for example of KMS).
    place = on_resource if action != action_of(operation) else subject or on_resource
    target = f" on {place}" if place else ""
    return _Texts(
        subject=named,
        bucket=bucket or named,
        place="S3 bucket" if service == "s3" else named,
        action=action,
        target=target,
        denial=_denial_remedy(answer.message, f"{action}{target}"),
        message=redacted(answer.message) or answer.code,
        code=answer.code or str(answer.status),
        clock=_clock(answer),
        region=f"It is in {answer.region}."
        if answer.region
        else "The server did not report its region.",
        reason=_reason(answer, next(filter(None, because.groups())) if denied and because else ""),
    )


def _denial_remedy(message: str, what: str) -> str:
    """Return the remedy of a denial, by the kind of policy that AWS names as its reason."""
    kind = next((each for each in _POLICY_KINDS if each.lower() in message.lower()), "")
    if "explicit deny" in message:
        return (
            f"Ask an administrator to change the {kind or 'policy'} that denies {what}. Another "
            "policy cannot override a denial."
        )
    if kind:
        return f"Ask an administrator to allow {what} in the {kind}."
    return (
        f"Ask an administrator to grant {what} in the IAM policy, and to check the bucket policy, "
        "permissions boundaries and the KMS key for a denial."
    )


def _reason(answer: Answer, because: str) -> str:
    if because:
        return f"AWS says: {redacted(because).strip()}."
    if answer.code == "403":
        return (
            "(The answer to a HEAD request has no text; unknown or deactivated keys cause the "
            "same answer.)"
        )
    return ""


def _clock(answer: Answer) -> str:
    now = utc_now().replace(microsecond=0)
    skew, server = answer.skew_seconds(now), answer.server_time
    if skew is None or server is None:
        return f"This machine's time is {format_moment(now)}; the server's time is unknown."
    here, there, gap = format_moment(now), format_moment(server), format_duration(abs(skew))
    if skew > 0:
        return f"This machine's time is {here}, the server's is {there}: this clock is {gap} ahead."
    return f"This machine's time is {here}, the server's is {there}: this clock is {gap} behind."


def _details(answer: Answer, operation: str) -> str:
    parts = [operation, f"HTTP {answer.status}", answer.code]
    if answer.request_id:
        parts.append(f"request id {answer.request_id}")
    # AWS could quote the refused value of a secret or a key: the message is not stored.
    if answer.message and not operation.startswith(("secretsmanager:", "iam:Create")):
        parts.append(answer.message)
    return redacted(" · ".join(parts))


def _with_delete_marker(error: StorageError, answer: Answer) -> StorageError:
    if answer.headers.get("x-amz-delete-marker") != "true":
        return error
    return NotFound(
        f"{error.subject or 'The object'} was deleted",
        cause="Its newest version is a delete marker; the older versions still exist.",
        remedy="Restore it from the trash, or read an older version.",
        subject=error.subject,
        action=error.action,
        details=error.details,
    )


def not_an_s3_answer(subject: str, what: str) -> NotAnS3Answer:
    """Return the error for an answer that does not come from an S3 server."""
    return NotAnS3Answer(
        "This is not an S3 answer",
        cause=f"Another program answered: {what}. It may be a sign-in page of the network, a "
        "proxy, or a server that is not S3.",
        remedy="Open a web page to sign in to the network, check the proxy settings and the "
        "endpoint of the profile, then try again.",
        subject=subject,
    )
