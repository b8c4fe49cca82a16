"""The table that maps AWS error codes to errors of `core.errors`, with cause and remedy.

Templates may use `{subject}`, `{bucket}`, `{action}`, `{message}`, `{clock}` and, for a denial,
`{target}` (the resource of the denied action) and `{denial}` (what has to be changed). Each row is
one cause with its remedy; codes that need another remedy have a separate row. Codes: the S3 API
reference ("Error responses"), the common errors of Secrets Manager, STS and IAM, and the bare HTTP
statuses that botocore reports for answers without a body.
"""

from __future__ import annotations

from dataclasses import dataclass

from core import errors
from core.errors import StorageError


@dataclass(frozen=True, slots=True)
class Fault:
    """One row: codes separated by spaces, the error class, and the texts of the error."""

    codes: str
    error: type[StorageError]
    summary: str
    cause: str
    remedy: str


DENIED = Fault(
    "AccessDenied AccessDeniedException AuthorizationError UnauthorizedOperation "
    "403 401 Forbidden UnauthorizedAccess",
    errors.AccessDenied,
    "Access denied to {place}",
    "{action}{target} is not allowed with these keys.",
    "{denial}",
)
ACCOUNT = Fault(
    "AllAccessDisabled AccountProblem NotSignedUp OptInRequired",
    errors.AccessDenied,
    "The AWS account cannot use this service",
    "The account is not activated, has a billing problem, or was disabled ({code}).",
    "Ask the owner of the account to check its state and its billing in the AWS console.",
)
SKEWED = Fault(
    "RequestTimeTooSkewed RequestInTheFuture RequestExpired",
    errors.ClockSkew,
    "This machine's clock is wrong",
    "AWS refuses requests whose time differs by more than 15 minutes. {clock}",
    "Set the clock of this machine (turn on network time), then try again. The keys are valid.",
)
SECRET_IS_FULL = Fault(
    "",  # LimitExceededException, where a secret is saved
    errors.LimitExceeded,
    "{subject} cannot store another version",
    "AWS stores about 100 versions of a secret and removes none that are younger than 24 hours. "
    "The secret was saved too often.",
    "Wait until the older versions are a day old, then save again. Save at most once every 10 "
    "minutes.",
)
THROTTLED = Fault(
    "SlowDown Throttling ThrottlingException ThrottledException RequestThrottled "
    "RequestThrottledException TooManyRequestsException RequestLimitExceeded 429 "
    # 503 is the code of an answer to HEAD, which has no body: S3 wants fewer requests.
    "503 BandwidthLimitExceeded PriorRequestNotComplete TransactionInProgressException",
    errors.Throttled,
    "The service is throttling requests",
    "{action} was throttled, even after several attempts with increasing pauses.",
    "Wait a minute and try again. Stop other programs that send many requests to the same account "
    "or server.",
)
WRONG_REGION = Fault(
    "PermanentRedirect TemporaryRedirect Redirect IllegalLocationConstraintException 301 307 308",
    errors.WrongRegion,
    "Bucket is in a different region",
    "{subject} is not served in the profile's region. {region}",
    "Set the bucket's region in the profile. If AWS reports the region, it is used automatically.",
)
REGION_OFF = Fault(
    "RegionDisabledException",
    errors.WrongRegion,
    "The region is not enabled for this account",
    "{subject} is in a region that the account has to opt in to.",
    "Ask an administrator to enable the region in the account's settings.",
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
    "AWS no longer accepts the session token.",
    "Get new temporary credentials (with single sign-on: `aws sso login`), then try again.",
)
UNEXPLAINED_400 = Fault(
    "400",
    errors.CredentialsExpired,
    "S3 refused the request without a reason",
    "The answer to a HEAD request has no text. Status 400 usually means that the session token "
    "has expired; objects that are encrypted with a customer-provided key (SSE-C) are refused in "
    "the same way.",
    "Sign in again or choose another profile, then retry.",
)
#: Not a code of S3: `core.aws.head_requests` gives it to a HEAD that only this can explain.
CUSTOMER_KEY = "CustomerProvidedKey"
ENCRYPTED = Fault(
    CUSTOMER_KEY,
    errors.NotSupported,
    "{subject} cannot be read without its own encryption key",
    "S3 accepts these credentials, but refuses the request with status 400, as it does for objects "
    "that are encrypted with a customer-provided key (SSE-C).",
    "Read it with the program that has that key: Strongroom has no place for such keys.",
)
UNKNOWN_KEY = Fault(
    "InvalidAccessKeyId InvalidClientTokenId UnrecognizedClientException AuthFailure",
    errors.CredentialsInvalid,
    "AWS does not accept these keys",
    "The access key is unknown, deactivated or deleted ({code}).",
    "Check the access key id of the profile; if the key was rotated, fetch the new one. Temporary "
    "keys need their session token as well.",
)
WRONG_SECRET = Fault(
    "SignatureDoesNotMatch InvalidSignatureException",
    errors.CredentialsInvalid,
    "AWS does not accept these keys",
    "The signature does not match: the secret key belongs to another access key, or a proxy "
    "modifies the requests ({code}).",
    "Enter the secret key of the profile again. If it is correct, try without the proxy.",
)
WRONG_TOKEN = Fault(
    "InvalidToken",
    errors.CredentialsInvalid,
    "AWS does not accept the session token",
    "The session token does not belong to these temporary keys ({code}).",
    "Fetch access key, secret key and session token together, and enter all three.",
)
UNSIGNED = Fault(
    "MissingAuthenticationToken MissingAuthenticationTokenException MissingSecurityHeader "
    "AuthorizationHeaderMalformed IncompleteSignature InvalidSecurity CredentialsNotSupported",
    errors.CredentialsInvalid,
    "AWS cannot read the signature of the request",
    "The signature is missing or malformed ({code}): {message}",
    "Check that the access key id and the region of the profile contain no spaces or special "
    "characters, and that no proxy removes the Authorization header.",
)
REJECTED_IDENTITY = Fault(
    "IDPRejectedClaim InvalidIdentityToken NotAuthorizedException",
    errors.CredentialsInvalid,
    "The identity provider rejected the sign-in",
    "The web identity or its token is not accepted ({code}): {message}",
    "Sign in to the identity provider again, and check that the role trusts it.",
)

NO_BUCKET = Fault(
    "NoSuchBucket",
    errors.NoSuchBucket,
    "Bucket {bucket} does not exist",
    "There is no bucket {bucket} at this endpoint.",
    "Check the bucket's name, the region and the endpoint in the profile.",
)

_NAMED: tuple[Fault, ...] = (
    DENIED, SKEWED, ACCOUNT, THROTTLED, WRONG_REGION, REGION_OFF, SCHEDULED, EXPIRED,
    UNEXPLAINED_400, ENCRYPTED, UNKNOWN_KEY, WRONG_SECRET, WRONG_TOKEN, UNSIGNED,
    REJECTED_IDENTITY, NO_BUCKET,
)  # fmt: skip

TABLE: tuple[Fault, ...] = (
    *_NAMED,
    Fault(
        "NoSuchKey NotFound 404 ResourceNotFoundException NoSuchEntity NoSuchEntityException",
        errors.NotFound,
        "{subject} does not exist",
        "It was never created, it was deleted, or its name is spelled differently.",
        "Check the name (case matters) and list what exists.",
    ),
    Fault(
        "NoSuchVersion",
        errors.NotFound,
        "{subject} does not have this version",
        "The version was deleted, or belongs to another object.",
        "List the versions again and choose one of them.",
    ),
    Fault(
        "NoSuchUpload",
        errors.NotFound,
        "The multipart upload of {subject} no longer exists",
        "It was completed, aborted, or removed by a lifecycle rule.",
        "Start the upload again.",
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
        "This is not a fault. Add the setting if you need it.",
    ),
    Fault(
        "ResourceExistsException BucketAlreadyExists BucketAlreadyOwnedByYou "
        "EntityAlreadyExists EntityAlreadyExistsException",
        errors.AlreadyExists,
        "{subject} already exists",
        "Something with that name exists. The name of a deleted secret is reserved until its "
        "recovery window ends.",
        "Choose another name, or change the existing one.",
    ),
    Fault(
        "PreconditionFailed ConditionalRequestConflict 412 409 PreconditionNotMetException "
        "ConcurrentModification 304",
        errors.Conflict,
        "{subject} was changed by another client",
        "The condition of {action} is no longer met; nothing was overwritten.",
        "Read it again, check what changed, and decide again.",
    ),
    Fault(
        "OperationAborted EntityTemporarilyUnmodifiable RestoreAlreadyInProgress",
        errors.Conflict,
        "{subject} is being changed by another request",
        "The service is still processing a change ({code}): {message}",
        "Wait until it has ended, then try again.",
    ),
    Fault(
        "DeleteConflict",
        errors.Conflict,
        "{subject} is still in use",
        "Other resources are attached to it: {message}",
        "Remove the attached resources first.",
    ),
    Fault(
        "InvalidBucketState",
        errors.Conflict,
        "The settings of the bucket do not allow this",
        "{action} on {subject}: {message}",
        "Check versioning and Object Lock of the bucket; one of them prevents this action.",
    ),
    Fault(
        "InvalidObjectState ObjectAlreadyInActiveTierError",
        errors.Archived,
        "{subject} is archived",
        "Objects in Glacier and Deep Archive cannot be read until they have been restored.",
        "Start a restore of the object in the AWS console (it takes minutes to hours and costs "
        "money), then try again.",
    ),
    Fault(
        "EntityTooLarge 413 MaxMessageLengthExceeded",
        errors.LimitExceeded,
        "{subject} is too large",
        "{action} was refused: {message}",
        "Upload it in parts (multipart upload), or make it smaller.",
    ),
    Fault(
        "EntityTooSmall",
        errors.LimitExceeded,
        "A part of {subject} is too small",
        "{action} was refused: all parts except the last one must have at least 5 MiB.",
        "Upload it again with larger parts.",
    ),
    Fault(
        "KeyTooLongError",
        errors.LimitExceeded,
        "The key is too long",
        "A key has at most 1,024 bytes of UTF-8; some servers allow only 255 between two slashes: "
        "{subject}",
        "Choose a shorter name or folder.",
    ),
    Fault(
        "MetadataTooLarge RequestHeaderSectionTooLarge",
        errors.LimitExceeded,
        "The metadata of {subject} is too large",
        "The metadata of an object is limited to 2,048 bytes in total.",
        "Remove or shorten some of the metadata.",
    ),
    Fault(
        "LimitExceeded LimitExceededException TooManyBuckets PackedPolicyTooLarge "
        "QuotaExceeded QuotaExceededException ServiceQuotaExceededException",
        errors.LimitExceeded,
        "A quota of the service is used up",
        "{action} on {subject} was refused: {message}",
        "Remove what is no longer needed, or request a higher quota from AWS.",
    ),
    Fault(
        "BadDigest XAmzContentSHA256Mismatch XAmzContentChecksumMismatch",
        errors.Corrupt,
        "The data was damaged in transit",
        "The server's checksum of {subject} differs from the one that was sent; nothing was "
        "stored.",
        "Try again. If it happens often, check the network and the memory of this machine.",
    ),
    Fault(
        "NotImplemented XNotImplemented MethodNotAllowed UnsupportedOperation 501 405 "
        "InvalidAction UnknownOperationException NotSupported",
        errors.NotSupported,
        "The server does not support this operation",
        "{action} is not available at this endpoint or for {subject}.",
        "Use a server that supports it. All other functions work without it.",
    ),
    Fault(
        "KMS.AccessDeniedException DecryptionFailure EncryptionFailure",
        errors.AccessDenied,
        "The KMS key of {subject} cannot be used",
        "These keys are not allowed to use the encryption key, or it is disabled ({code}): "
        "{message}",
        "Ask an administrator to grant kms:Decrypt and kms:GenerateDataKey on the KMS key, and to "
        "check that it is enabled.",
    ),
    Fault(
        "KMS.DisabledException",
        errors.AccessDenied,
        "The KMS key of {subject} is disabled",
        "Objects that are encrypted with it cannot be read or written.",
        "Ask an administrator to enable the KMS key.",
    ),
    Fault(
        "KMS.NotFoundException",
        errors.AccessDenied,
        "The KMS key of {subject} does not exist",
        "It was deleted, or it is in another region or account.",
        "Check the encryption key in the bucket's settings. Data that was encrypted with a "
        "deleted key is lost.",
    ),
    Fault(
        "KMS.KMSInvalidStateException KMS.InvalidStateException KMSInvalidStateException",
        errors.AccessDenied,
        "The KMS key of {subject} cannot be used in its current state",
        "The key is scheduled for deletion, or waits for imported key material.",
        "Ask an administrator to cancel the deletion of the KMS key, or to finish the import.",
    ),
    Fault(
        "InternalError InternalFailure InternalServerError InternalServiceError "
        "ServiceUnavailable ServiceUnavailableException 500 502 504",
        errors.ServiceError,
        "The service reported an internal error",
        "{action}{target} was answered with {code}, even after several attempts.",
        "Try again in a minute. If the error persists, check the status of the service (for AWS: "
        "its health dashboard).",
    ),
    Fault(
        "RequestTimeout RequestTimeoutException IncompleteBody",
        errors.ServiceError,
        "The server received an incomplete request",
        "The server waited for the rest of {action} ({code}).",
        "Try again; check the network connection and the proxy.",
    ),
    Fault(
        "InvalidRange 416",
        errors.InvalidInput,
        "{subject} is shorter than expected",
        "The requested range is beyond the end of the object.",
        "List the object again: it may have been replaced.",
    ),
    Fault(
        "InvalidPart InvalidPartOrder",
        errors.InvalidInput,
        "The parts of {subject} cannot be combined",
        "A part is missing, was replaced, or is out of order: {message}",
        "Upload it again from the beginning.",
    ),
    Fault(
        "MalformedPolicy MalformedPolicyDocument MalformedPolicyDocumentException",
        errors.InvalidInput,
        "The policy is not valid",
        "{action} on {subject}: {message}",
        "Correct the policy and try again.",
    ),
    Fault(
        "PublicPolicyException",
        errors.InvalidInput,
        "The policy would make {subject} public",
        "The service refuses policies that grant access to everyone: {message}",
        "Name accounts, users or roles in the policy.",
    ),
    Fault(
        "InvalidArgument InvalidRequest InvalidURI MalformedXML InvalidDigest "
        "InvalidBucketName BadRequest InvalidParameterException 422 "
        "InvalidRequestException ValidationException ValidationError InvalidInput "
        "InvalidParameterValue InvalidNextTokenException MissingParameter InvalidStorageClass "
        "InvalidTag InvalidLocationConstraint",
        errors.InvalidInput,
        "The service refused the request as invalid",
        "{action} on {subject}: {message}",
        "Correct the value and try again.",
    ),
)

BY_CODE: dict[str, Fault] = {code: fault for fault in TABLE for code in fault.codes.split()}


def fault_for(code: str, status: int) -> Fault:
    """Return the row of an error code, or that of the HTTP status if the code is unknown."""
    found = BY_CODE.get(code) or (BY_CODE.get(str(status)) if status != 503 else None)
    return found or BY_CODE["500" if status >= 500 else "InvalidRequest"]
