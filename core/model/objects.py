"""Storage classes of objects, and the results of writing them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

#: Storage classes whose objects cannot be read until their retrieval. GLACIER_IR needs none.
ARCHIVE_CLASSES = ("DEEP_ARCHIVE", "GLACIER")
#: A class whose objects may be in an archive tier, which no listing shows.
TIERING = "INTELLIGENT_TIERING"


class Verdict(Enum):
    """What the bytes of an object were compared with; the value is the displayed text.

    A failed comparison is an error and has no verdict.
    """

    SHA256 = "verified (SHA-256)"
    SHA512 = "verified (SHA-512)"
    SHA1 = "verified (SHA-1)"
    CRC = "verified (CRC)"
    MD5 = "verified (MD5)"
    SIZE_ONLY = "size only"
    #: The ETag of an object of several parts differs, although the same bytes arrived twice.
    UNVERIFIABLE = "not verifiable (its ETag is not the MD5 of its parts)"

    @property
    def compared(self) -> bool:
        """Whether the bytes were compared with a hash, and not only by their number."""
        return self not in {Verdict.SIZE_ONLY, Verdict.UNVERIFIABLE}


@dataclass(frozen=True, slots=True)
class Written:
    """The truthy result of a write; `size` in bytes.

    `verdict` is what the stored bytes were compared with. `race_free` is False for a write that
    must not overwrite, on a server that ignores such conditions: the key was only checked just
    before.
    """

    key: str
    etag: str
    size: int
    version_id: str | None = None
    sha256: str | None = None
    verdict: Verdict = Verdict.SIZE_ONLY
    race_free: bool = True
