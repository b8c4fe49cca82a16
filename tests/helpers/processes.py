"""Inspection of other processes (Linux)."""

from contextlib import suppress
from pathlib import Path


def has_ended(process: int) -> bool:
    """Return whether a process has ended; a zombie has, though its exit code was not read yet."""
    with suppress(OSError):
        return _fields(process)[0] == "Z"
    return True


def children(parent: int) -> dict[int, str]:
    """Return the living children of a process with their command lines."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, mother = _fields(int(place.name))[:2]
            if int(mother) == parent and state != "Z":
                command = (place / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(place.name)] = command.decode(errors="replace")
    return found


def _fields(process: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name, which may hold anything."""
    return Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()
