"""Saves the hash list of a transfer."""

from __future__ import annotations

from pathlib import Path

from core.local.atomic import write_atomically
from core.transfer.hash_list import hash_lines
from core.transfer.queue import TransferQueue
from core.units import format_count

#: The proposed name of the file.
HASH_LIST = "SHA256SUMS"


def save_hash_list(batch_id: str, path: Path) -> int:
    """Write the hash list of a stored batch, and return the number of files in it.

    Raises:
        NotFound: the batch was removed.
        LocalIOError: the file cannot be written.
    """
    lines = list(hash_lines(TransferQueue().files(batch_id)))
    write_atomically(path, "".join(lines).encode())
    return len(lines)


def hash_list_text(count: int, name: str) -> str:
    """Return the result as text."""
    if count == 1:
        return f"The hash of 1 file was saved to {name}. Check it with: sha256sum -c {name}"
    return (
        f"{format_count(count)} hashes were saved to {name}. Check them with: sha256sum -c {name}"
    )
