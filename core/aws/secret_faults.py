"""The error for a secret without a value, which AWS reports like a missing secret."""

from __future__ import annotations

import re

from core.aws.fault_codes import Fault
from core.errors import NotFound


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
