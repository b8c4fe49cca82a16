"""A command of Strongroom that does not compute SHA-256: `python -m tests.benchmarks.large_limit get …`.

Its time beside that of the complete command is what the verification of a large file costs.
"""

from __future__ import annotations

from types import SimpleNamespace

from core.cli import main
from core.cli.leaving import collect_garbage_rarely, leave
from core.objects import checksums, hashing


class _NoHash:
    """A hash that accepts bytes without reading them."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Ignore bytes."""

    def digest(self) -> bytes:
        """Return zeros."""
        return bytes(32)

    def hexdigest(self) -> str:
        """Return zeros."""
        return self.digest().hex()


def _trust() -> None:
    """Let files be sent and received without their SHA-256; other checksums remain."""
    hashing.hashlib = SimpleNamespace(sha256=_NoHash)  # type: ignore[attr-defined] # replaced on purpose
    checksums.Digests.update = lambda _digests, _data: None  # type: ignore[method-assign] # as above
    checksums.Digests.agree = lambda _digests: True  # type: ignore[method-assign] # as above


if __name__ == "__main__":
    _trust()
    collect_garbage_rarely()
    leave(main())
