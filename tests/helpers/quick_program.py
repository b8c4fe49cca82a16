"""The real program with short waits, run as a separate process by tests of network faults.

An outage ends a command after a minute, and a silent server after half of one. Hundreds of cases
cannot wait that long; what is tested is which outcome they reach, so only the constants change.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Budget of an operation, deadline of an interactive call, wait for the next bytes; in seconds.
RETRY, INTERACTIVE, READ = 6.0, 6.0, 3.0
#: Size of the parts of a copy in bytes.
COPY_PART = 6 << 20


def shorten(put: Callable[[Any, str, Any], None] = setattr) -> None:
    """Replace the waits of this process by short ones, in every module that knows them by name.

    Args:
        put: sets an attribute; a test hands `monkeypatch.setattr`, which undoes it.
    """
    import core.aws.endpoints
    import core.aws.retries
    import core.objects.copying
    import core.objects.fetching
    import core.objects.multipart_copy
    import core.objects.small_loop
    import core.work

    # Objects of some megabytes are copied in parts, like those of gigabytes.
    put(core.objects.copying, "SINGLE_BYTES", COPY_PART)
    put(core.objects.multipart_copy, "PART_BYTES", COPY_PART)
    put(core.objects.small_loop, "_SILENT_SECONDS", READ)
    constants = {
        "RETRY_SECONDS": RETRY, "INTERACTIVE_SECONDS": INTERACTIVE, "READ_SECONDS": READ,
        "_PATIENT_SECONDS": READ,
    }  # fmt: skip
    for module in (core.work, core.aws.endpoints, core.aws.retries, core.objects.fetching):
        for name in constants.keys() & vars(module).keys():
            put(module, name, constants[name])
    put(core.work.RetryBudget.__init__, "__defaults__", (RETRY,))


def command(*arguments: str) -> list[str]:
    """Return the command line that runs the program with short waits."""
    return [sys.executable, "-P", str(Path(__file__)), *arguments]


if __name__ == "__main__":
    from gui.__main__ import main

    shorten()
    sys.exit(main())
