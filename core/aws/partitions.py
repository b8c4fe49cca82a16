"""The partitions of AWS: groups of regions with their own accounts, ARNs and domains.

The table is that of botocore, which reads it from a file; a test compares both.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Partition(NamedTuple):
    """The name of a partition in ARNs, and the domain of its services."""

    id: str
    domain: str


AWS = Partition("aws", "amazonaws.com")
#: The beginnings of the names of regions.
_OTHERS = (
    ("cn-", Partition("aws-cn", "amazonaws.com.cn")),
    ("us-gov-", Partition("aws-us-gov", "amazonaws.com")),
    ("eusc-", Partition("aws-eusc", "amazonaws.eu")),
    ("us-iso-", Partition("aws-iso", "c2s.ic.gov")),
    ("us-isob-", Partition("aws-iso-b", "sc2s.sgov.gov")),
    ("eu-isoe-", Partition("aws-iso-e", "cloud.adc-e.uk")),
    ("us-isof-", Partition("aws-iso-f", "csp.hci.ic.gov")),
)
_ANY = re.compile(r"arn:aws[a-z-]*:")


def partition_of(region: str) -> Partition:
    """Return the partition of a region; unknown ones belong to that of most regions."""
    return next((found for start, found in _OTHERS if region.startswith(start)), AWS)


def without_partition(arn: str) -> str:
    """Return an ARN or a pattern of ARNs with the partition `aws`, so that they can be compared."""
    return _ANY.sub("arn:aws:", arn, count=1) if arn.startswith("arn:aws") else arn
