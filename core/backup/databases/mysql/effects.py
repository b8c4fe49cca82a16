"""Functions with side effects in the condition of an operator."""

from __future__ import annotations

import re

from core.errors import NotSupported

#: Functions of the server that hold locks, wait for other servers, or read files and sequences.
_FUNCTIONS = (
    "get_lock", "release_lock", "release_all_locks", "benchmark", "load_file", "master_pos_wait",
    "master_gtid_wait", "nextval", "lastval", "setval", "sys_exec", "sys_eval",
)  # fmt: skip
#: A name and its parenthesis, between which may be comments. A text in a string counts too.
_CALL = re.compile(
    rf"\b({'|'.join(_FUNCTIONS)})`?(?:\s|\*/|/\*.*?\*/|#[^\n]*\n|--[^\n]*\n)*\(",
    re.IGNORECASE | re.DOTALL,
)


def refuse_effects(where: str) -> None:
    """Refuse a condition that calls a function which a read-only transaction does not prevent.

    Raises:
        NotSupported: It calls such a function; the error names it.
    """
    if found := _CALL.search(where):
        raise NotSupported(
            f"The function {found[1].lower()} may have side effects",
            cause="It acts on locks, files, sequences or other servers.",
            remedy="Use a condition that only reads the table.",
        )
