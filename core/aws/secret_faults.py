"""Errors of Secrets Manager that only the message of an answer distinguishes, not its code."""

from __future__ import annotations

import re

from core.aws.fault_codes import Fault
from core.errors import AccessDenied, Conflict, NotFound, NotSupported


class NoSecretValue(NotFound):
    """The secret exists, but has no current value."""


#: The message of GetSecretValue; a missing secret has “the specified secret.”
NO_VALUE_MESSAGE = re.compile(r"secret value for staging label: AWSCURRENT\b")
NO_VALUE = Fault(
    "",  # ResourceNotFoundException with that message
    NoSecretValue,
    "{subject} has no value",
    "It was created without a value, for example by a template of AWS CloudFormation or Terraform.",
    "Save its first value.",
)
_KMS_DENIED = Fault(
    "",  # AccessDeniedException, like a denial by an IAM policy of the secret itself
    AccessDenied,
    "The KMS key of {subject} cannot be used",
    "{action} is allowed, but not the use of the encryption key: {message}",
    "Ask an administrator to grant kms:Decrypt and kms:GenerateDataKey on the KMS key, in its key "
    "policy and in the IAM policy.",
)
_REPLICA = Fault(
    "",  # InvalidRequestException or InvalidParameterException, as the next one
    NotSupported,
    "{subject} is a replica in this region",
    "A replica can only be read: it gets value and settings from its primary secret in another "
    "region.",
    "Use a profile of the primary secret's region.",
)
_HAS_REPLICAS = Fault(
    "",
    Conflict,
    "{subject} has replicas in other regions",
    "AWS does not delete a secret with replicas: {message}",
    "Remove its replicas in AWS first, then delete it.",
)
#: Patterns of messages and what they mean.
SECRET_MESSAGES = (
    (NO_VALUE_MESSAGE, NO_VALUE),
    (re.compile(r"access to KMS is not allowed", re.IGNORECASE), _KMS_DENIED),
    (re.compile(r"not permitted on a replica secret", re.IGNORECASE), _REPLICA),
    (re.compile(r"still has replica regions", re.IGNORECASE), _HAS_REPLICAS),
)
