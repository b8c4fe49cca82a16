"""Imports botocore in one thread, before others import parts of it.

Modules of botocore import each other in cycles. If two threads enter a cycle at different modules,
each waits for the other one; Python notices that and returns a module that is not complete, and
the import fails with "cannot import name". So each thread that may be the first one calls
`import_botocore`, and all imports begin at the same module.
"""

from __future__ import annotations

import threading
from importlib import import_module

#: In this order; they import all cycles: of `botocore.utils`, `botocore.auth` and `botocore.docs`.
_MODULES = ("botocore.session", "botocore.handlers", "core.aws.session", "core.aws.retries")
_lock = threading.Lock()


def import_botocore() -> None:
    """Import what clients need of botocore, once in each process; other threads wait for it."""
    with _lock:
        for name in _MODULES:
            import_module(name)
