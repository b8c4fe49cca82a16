"""The one table from AWS error codes to our errors, each with its cause and remedy.

Templates may use `{subject}`, `{bucket}`, `{action}`, `{message}` and `{clock}`.
Codes: the S3 API reference ("Error responses"), the common errors of Secrets Manager, STS and
IAM, and the bare HTTP statuses that botocore reports for answers without a body.
"""

from __future__ import annotations

from dataclasses import dataclass

from core import errors
from core.errors import StorageError


@dataclass(frozen=True, slots=True)
class Fault:
    """One row: codes (apart by blanks), the error raised for them, and its words."""

    codes: str
    error: type[StorageError]
    summary: str
    cause: str
    remedy: str


DENIED = Fault(
    "AccessDenied AccessDeniedException AuthorizationError UnauthorizedOperation "
    "AllAccessDisabled AccountProblem NotSignedUp OptInRequired 403 401 Forbidden "
    "UnauthorizedAccess KMS.AccessDeniedException",
    errors.AccessDenied,
    "Access denied to {place}",
    "{action} on {subject} is not allowed with these keys.",
    "Ask an administrator to grant {action} on {subject} in the IAM policy, and to check the "
    "bucket policy, permission boundaries and the KMS key for a denial.",
)
SKEWED = Fault(
    "RequestTimeTooSkewed RequestInTheFuture RequestExpired",
    errors.ClockSkew,
    "This machine's clock is wrong",
    "AWS refuses requests that are more than 15 minutes off. {clock}",
    "Set the clock of this machine (turn on network time), then try again. The keys are fine.",
)
SECRET_IS_FULL = Fault(
    "",  # LimitExceededException, where a secret is saved
    errors.LimitExceeded,
    "{subject} has no room for another version",
    "AWS keeps about 100 versions of a secret and removes none of the last 24 hours: it was saved "
    "too often.",
    "Wait until older versions are a day old, then save again; save no more than once every 10 "
    "minutes.",
)
THROTTLED = Fault(
    "SlowDown Throttling ThrottlingException ThrottledException RequestThrottled "
    "RequestThrottledException TooManyRequestsException RequestLimitExceeded 429 "
    "BandwidthLimitExceeded PriorRequestNotComplete TransactionInProgressException",
    errors.Throttled,
    "The service asks for fewer requests",
    "{action} was throttled, also after several attempts with growing pauses.",
    "Wait a minute and try again, or lower the number of parallel transfers.",
)
WRONG_REGION = Fault(
    "PermanentRedirect TemporaryRedirect Redirect "
    "IllegalLocationConstraintException RegionDisabledException 301 307 308",
    errors.WrongRegion,
    "Bucket is in a different region",
    "{subject} is not served in the profile's region. {region}",
    "The region is followed automatically where AWS tells it; otherwise set the bucket's region "
    "in the profile.",
)
SCHEDULED = Fault(
    "ScheduledForDeletion",
    errors.ScheduledForDeletion,
    "{subject} is scheduled for deletion",
    "A deleted secret cannot be read or changed during its recovery window.",
    "Restore the secret to use it, or choose another name.",
)
EXPIRED = Fault(
    "ExpiredToken ExpiredTokenException TokenRefreshRequired ExpiredTokenError",
    errors.CredentialsExpired,
    "The temporary credentials have expired",
    "AWS does not take the session token any more.",
    "Sign in again (for SSO: `aws sso login`), or choose another profile, then retry.",
)
UNEXPLAINED_400 = Fault(
    "400",
    errors.CredentialsExpired,
    "S3 refused the request without saying why",
    "A HEAD answer has no text. Status 400 usually means that the session token has expired; an "
    "object encrypted with a customer's own key (SSE-C) is refused in the same way.",
    "Sign in again or choose another profile, then retry.",
)
INVALID_KEYS = Fault(
    "AuthorizationHeaderMalformed InvalidAccessKeyId InvalidClientTokenId UnrecognizedClientException "
    "SignatureDoesNotMatch InvalidSignatureException IncompleteSignature "
    "InvalidToken MissingAuthenticationToken MissingAuthenticationTokenException "
    "MissingSecurityHeader AuthFailure InvalidSecurity CredentialsNotSupported "
    "IDPRejectedClaim InvalidIdentityToken NotAuthorizedException",
    errors.CredentialsInvalid,
    "AWS does not accept these keys",
    "The access key is unknown, deactivated or deleted, or its secret does not match ({code}).",
    "Check the keys of the profile; if the key was rotated, fetch the new one. Then retry.",
)

NO_BUCKET = Fault(
    "NoSuchBucket",
    errors.NoSuchBucket,
    "Bucket {bucket} does not exist",
    "There is no bucket of that name at this endpoint.",
    "Check the bucket's name, the region and the endpoint in the profile.",
)

TABLE: tuple[Fault, ...] = (
    DENIED,
    SKEWED,
    THROTTLED,
    WRONG_REGION,
    SCHEDULED,
    EXPIRED,
    UNEXPLAINED_400,
    INVALID_KEYS,
    NO_BUCKET,
    Fault(
        "NoSuchKey NoSuchVersion NoSuchUpload NotFound 404 ResourceNotFoundException "
        "NoSuchEntity NoSuchEntityException",
        errors.NotFound,
        "{subject} does not exist",
        "It was never there, was deleted, or its name is spelled differently.",
        "Check the name (case matters) and refresh the list.",
    ),
    Fault(
        "NoSuchLifecycleConfiguration NoSuchBucketPolicy NoSuchTagSet "
        "ServerSideEncryptionConfigurationNotFoundError NoSuchCORSConfiguration "
        "NoSuchPublicAccessBlockConfiguration OwnershipControlsNotFoundError "
        "ObjectLockConfigurationNotFoundError NoSuchObjectLockConfiguration "
        "ReplicationConfigurationNotFoundError NoSuchWebsiteConfiguration "
        "NoSuchConfiguration",
        errors.NotFound,
        "{subject} has no such configuration",
        "The bucket does not have the setting that {action} reads.",
        "Nothing is wrong: add the setting if it is wanted.",
    ),
    Fault(
        "ResourceExistsException BucketAlreadyExists BucketAlreadyOwnedByYou "
        "EntityAlreadyExists EntityAlreadyExistsException",
        errors.AlreadyExists,
        "{subject} exists already",
        "Something of that name is there; a deleted secret keeps its name until it is gone.",
        "Choose another name, or change the existing one.",
    ),
    Fault(
        "PreconditionFailed ConditionalRequestConflict OperationAborted 412 409 "
        "PreconditionNotMetException EntityTemporarilyUnmodifiable DeleteConflict "
        "ConcurrentModification RestoreAlreadyInProgress 304 InvalidBucketState",
        errors.Conflict,
        "{subject} was changed by somebody else meanwhile",
        "The condition for {action} does not hold any more; nothing was overwritten.",
        "Refresh, look at what changed, and decide again.",
    ),
    Fault(
        "InvalidObjectState ObjectAlreadyInActiveTierError",
        errors.Archived,
        "{subject} is archived",
        "Objects in Glacier and Deep Archive cannot be read until they have been restored.",
        "Ask for a restore (it takes minutes to hours and costs money), then try again.",
    ),
    Fault(
        "EntityTooLarge EntityTooSmall KeyTooLongError MetadataTooLarge 413 "
        "LimitExceeded LimitExceededException TooManyBuckets InvalidPartOrder "
        "MaxMessageLengthExceeded RequestHeaderSectionTooLarge PackedPolicyTooLarge "
        "QuotaExceeded QuotaExceededException ServiceQuotaExceededException",
        errors.LimitExceeded,
        "A limit of the service would be passed",
        "{action} on {subject} was refused: {message}",
        "Make it smaller, or remove something first.",
    ),
    Fault(
        "BadDigest XAmzContentSHA256Mismatch InvalidDigest XAmzContentChecksumMismatch",
        errors.Corrupt,
        "The bytes were damaged on their way",
        "The server's checksum of {subject} differs from ours; nothing was stored.",
        "Try again. If it happens often, suspect the network or this machine's memory.",
    ),
    Fault(
        "NotImplemented XNotImplemented MethodNotAllowed UnsupportedOperation 501 405 "
        "InvalidAction UnknownOperationException NotSupported",
        errors.NotSupported,
        "The server does not offer this",
        "{action} is not available at this endpoint or for {subject}.",
        "Nothing can be done here; the rest of the program works without it.",
    ),
    Fault(
        "DecryptionFailure EncryptionFailure KMS.DisabledException "
        "KMS.NotFoundException KMS.KMSInvalidStateException KMS.InvalidStateException "
        "KMSInvalidStateException",
        errors.AccessDenied,
        "The KMS key of {subject} cannot be used",
        "The encryption key is disabled, deleted, or not permitted for these credentials.",
        "Ask an administrator to enable the KMS key and to grant kms:Decrypt and "
        "kms:GenerateDataKey.",
    ),
    Fault(
        "InternalError InternalFailure InternalServerError InternalServiceError "
        "ServiceUnavailable ServiceUnavailableException RequestTimeout IncompleteBody "
        "RequestTimeoutException 500 502 503 504",
        errors.ServiceError,
        "The service failed on its side",
        "{action} was answered with {code}, also after several attempts.",
        "Try again in a minute. If it goes on, look at the AWS health dashboard.",
    ),
    Fault(
        "InvalidArgument InvalidRequest InvalidRange InvalidURI MalformedXML 416 "
        "InvalidBucketName BadRequest InvalidParameterException InvalidPart 422 "
        "InvalidRequestException ValidationException ValidationError InvalidInput "
        "InvalidParameterValue InvalidNextTokenException MalformedPolicyDocument "
        "MalformedPolicyDocumentException MissingParameter InvalidStorageClass "
        "InvalidTag InvalidLocationConstraint MalformedPolicy PublicPolicyException",
        errors.InvalidInput,
        "The service refused the request as invalid",
        "{action} on {subject}: {message}",
        "Correct the value and try again.",
    ),
)

BY_CODE: dict[str, Fault] = {code: fault for fault in TABLE for code in fault.codes.split()}


def fault_for(code: str, status: int) -> Fault:
    """Return the row for an error code, else for the HTTP status, else for its class."""
    found = BY_CODE.get(code) or BY_CODE.get(str(status))
    if found:
        return found
    return BY_CODE["500" if status >= 500 else "InvalidRequest"]
