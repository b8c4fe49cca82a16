"""Redaction of credentials, secret values and signatures in the logs of the AWS libraries.

At DEBUG, botocore logs request bodies, answers, canonical requests and signatures (botocore#2626,
boto3#2292), and a caller may turn that on at any time, in any way: `logging.basicConfig`,
`boto3.set_stream_logger`, one logger by name, a handler that is added later. A filter on a parent
logger does not see the records of its children, and a filter on a handler misses the next handler.
So the filter is attached to each logger of these libraries, by name, before the module that uses
the logger is imported. Levels and handlers are not changed.

Importing this module is fast: no AWS library is imported.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from importlib.util import find_spec

from core.redaction import MASK, RedactingFilter

#: The libraries between this package and AWS.
LIBRARIES = ("botocore", "boto3", "s3transfer", "urllib3")

#: Loggers whose messages only contain names, numbers and addresses: redacted, but not withheld.
_NAMES_ONLY = (
    "botocore.client",
    "botocore.credentials",
    "botocore.hooks",
    "botocore.httpsession",
    "botocore.loaders",
    "botocore.retries",
    "botocore.retryhandler",
    "botocore.session",
    "boto3.s3.transfer",
    "urllib3",
)
#: Types of arguments that may appear in the messages of any logger.
_HARMLESS = (int, float, type(None))


class LibraryFilter(logging.Filter):
    """Log filter that withholds a library's records about its traffic and redacts all others.

    No record is dropped.
    """

    def __init__(self) -> None:
        super().__init__()
        self._redacting = RedactingFilter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record in place, before any handler sees it."""
        if record.levelno < logging.WARNING and not _names_only(record.name):
            _withhold(record)
        return self._redacting.filter(record)


_FILTER = LibraryFilter()


def protect_logs() -> None:
    """Attach the filter to all current and future loggers of the AWS libraries."""
    loggers = tuple(logging.root.manager.loggerDict)  # other threads may add loggers
    present = [name for name in loggers if _is_library(name)]
    for name in {*present, *_logger_names()}:
        logger = logging.getLogger(name)
        if _FILTER not in logger.filters:
            logger.filters.insert(0, _FILTER)


def silence_http_client() -> None:
    """Exclude AWS requests from the debug output of `http.client`.

    That output, with headers and bodies, is printed and not logged, so it cannot be redacted. Only
    botocore's connections are affected; the setting of `http.client` is unchanged.
    """
    from botocore import awsrequest

    for kind in (awsrequest.AWSHTTPConnection, awsrequest.AWSHTTPSConnection):
        kind.debuglevel = 0


def _withhold(record: logging.LogRecord) -> None:
    if not isinstance(record.args, tuple):  # one dictionary for %(name)s, or no arguments
        record.msg, record.args = f"{MASK} (withheld)" if record.args else record.msg, None
    else:
        record.args = tuple(_shown(value) for value in record.args)
    if record.name.startswith("s3transfer") and not record.args:  # formatted before it was logged
        record.msg = f"{MASK} (withheld)"
    if record.exc_info:  # a validation error quotes the refused value
        kind = record.exc_info[0]
        record.exc_info, record.exc_text = None, f"{kind.__name__ if kind else ''} (withheld)"


def _shown(value: object) -> object:
    if isinstance(value, _HARMLESS):
        return value
    if type(value).__name__ == "OperationModel":
        return str(value)
    return MASK


def _is_library(logger_name: str) -> bool:
    return logger_name.partition(".")[0] in LIBRARIES


def _names_only(logger_name: str) -> bool:
    return any(logger_name == name or logger_name.startswith(f"{name}.") for name in _NAMES_ONLY)


def _logger_names() -> Iterator[str]:
    """Yield the names of all modules of each library, which are also the names of their loggers."""
    for library in LIBRARIES:
        spec = find_spec(library)
        for folder in (spec and spec.submodule_search_locations) or ():
            yield from _modules(library, folder)


def _modules(package: str, folder: str) -> Iterator[str]:
    yield package
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:  # imported from an archive: its loggers are found once they exist
        return
    for entry in entries:
        name = f"{package}.{entry.name.removesuffix('.py')}"
        if entry.name.endswith(".py"):
            if entry.name != "__init__.py":
                yield name
        elif os.path.isfile(os.path.join(entry.path, "__init__.py")):  # noqa: PTH113, PTH118 - many entries at each start
            yield from _modules(name, entry.path)
