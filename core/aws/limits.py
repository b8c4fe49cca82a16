"""Limits of S3, Secrets Manager and IAM that are checked before a request is sent.

Sources: the S3 user guide (`qfacts`, `object-keys`, `using-presigned-url`), the Secrets Manager
user guide (`reference_limits`) and the service models shipped with botocore.
"""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB

#: Bytes of UTF-8 in an object key.
KEY_BYTES = 1024
#: Bytes of all user metadata names and values of one object together.
METADATA_BYTES = 2048
#: Tags of one object, and characters of a tag's key and of its value.
OBJECT_TAGS = 10
TAG_KEY_CHARS = 128
TAG_VALUE_CHARS = 256
#: Keys in one DeleteObjects request.
DELETE_KEYS = 1000
#: Entries in one page of a listing.
LIST_KEYS = 1000
#: Bytes of one object (raised from 5 TiB in December 2025).
OBJECT_BYTES = int(48.8 * TIB)
#: Bytes of one PutObject or CopyObject request.
SINGLE_PUT_BYTES = 5 * GIB
#: Parts of one multipart upload.
PART_COUNT = 10_000
#: Maximum validity of a SigV4 presigned URL in seconds: seven days.
PRESIGN_SECONDS = 604_800
#: Rules of one lifecycle configuration, and characters of one rule's id.
LIFECYCLE_RULES = 1000
LIFECYCLE_ID_CHARS = 255
#: Bytes of UTF-8 in one secret value.
SECRET_BYTES = 65_536
#: Versions that AWS stores for a secret, apart from those of the last 24 hours, and the seconds
#: between two saves that it recommends.
SECRET_VERSIONS = 100
SECRET_SAVE_SECONDS = 600
#: Characters of a secret's name and of its description.
SECRET_NAME_CHARS = 512
SECRET_DESCRIPTION_CHARS = 2048
#: Days a deleted secret can be restored: allowed range and AWS's default.
RECOVERY_DAYS_MIN = 7
RECOVERY_DAYS_MAX = 30
RECOVERY_DAYS_DEFAULT = 30
#: Clock difference to the server, in seconds, above which AWS refuses requests.
CLOCK_SKEW_SECONDS = 900
