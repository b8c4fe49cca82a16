"""`Secret`, a value that is never shown by accident, and the filter that redacts logs."""

from __future__ import annotations

import hmac
import logging
import re
import threading
from collections.abc import Iterator
from typing import Any, NoReturn, Self

MASK = "***"

#: Loggers that print credentials at DEBUG (boto/boto3#2292, boto/botocore#2626).
TALKATIVE = ("boto3", "botocore", "s3transfer", "urllib3", "werkzeug")

#: No pattern may search a long word from each of its characters: errors of databases contain
#: complete values.
_PATTERNS = (
    re.compile(
        r"((?:X-Amz-(?:Signature|Security-Token|Credential)|Signature|AWSAccessKeyId)=)[^&,\s\"'<>]+",
        re.IGNORECASE,
    ),
    # A name and its value in JSON, Python, an option file, a header or a query.
    re.compile(
        r"""((?:secret\w{0,20}key|passw(?:or)?d|session_?token|security-token"""
        r"""|SecretString|SecretBinary|authorization|bearer_token)(?:["']|\\")?\s*[:=]\s*)"""
        # MariaDB reports only whether there was a password: `(using password: NO)`.
        r"""(?!(?<=using password: )(?:YES|NO)\))"""
        r"""(?:b?"(?:[^"\\]|\\.)*"|b?'(?:[^'\\]|\\.)*'|(?:Basic|Bearer|AWS4-HMAC-SHA256)\s.*"""
        r"""|[^\s,}&"']+)""",
        re.IGNORECASE,
    ),
    re.compile(
        r"(<(SecretAccessKey|SessionToken|SecretString|SecretBinary|Password)>)[^<]*",
        re.IGNORECASE,
    ),
    re.compile(r"(Signature:\s+)[0-9a-f]{64}"),
    # The user may be missing (Redis). A key in the URL of a web server may contain an `@`.
    re.compile(r"((?<!\w)https?://[^:/@\s]*:)(?!\d+[/?#])(?:(?!://)[^@\s])+(?=@)"),
    # In that of a database everything up to the last `@` is the password, also with digits and a
    # slash, which look like a port.
    re.compile(r"((?<!\w)(?!https?:)\w+://[^:/@\s]*:)(?:(?!://)\S)+(?=@)"),
)

_known_lock = threading.Lock()
_known: set[str] = set()


class Secret:
    """Text that is displayed as `***` everywhere; only `reveal()` returns the text itself.

    `str`, `repr`, `format` and `vars` do not reveal it, it cannot be pickled or serialized as JSON,
    and it is compared in constant time. With `remembered=False` the log filter does not mask this
    text; use that for public values that are stored beside secrets, such as the name of a bucket,
    and for texts that are being typed, of which the beginning may be an ordinary word.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str, *, remembered: bool = True) -> None:
        self.__value = value
        if remembered:
            remember(value)

    def reveal(self) -> str:
        """Return the text itself. Review every call of this method."""
        return self.__value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = (
            value.encode(errors="surrogatepass") for value in (self.__value, other.__value)
        )
        return hmac.compare_digest(mine, theirs)

    def __hash__(self) -> int:
        return hash((Secret, self.__value))

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __len__(self) -> int:
        return len(self.__value)

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return MASK

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        message = "a Secret is never pickled"
        raise TypeError(message)


def remember(value: str) -> None:
    """Add a text to those that `redacted` and the log filter mask from now on."""
    # Shorter values occur in ordinary words, and spaces in tables: texts would be unreadable.
    if len(value) >= 8 and not value.isspace():
        with _known_lock:
            _known.add(value)


def redacted(text: str) -> str:
    """Return a text in which known secrets, signatures, tokens and passwords are masked.

    All of them are searched for in the original text: masking a known secret such as `postgresql`
    first would hide the scheme of a URL, and with it the password in that URL.
    """
    with _known_lock:
        known = [value for value in _known if value in text]
    spans = [span for value in known for span in _places_of(value, text)]
    spans += [(hit.end(1), hit.end()) for pattern in _PATTERNS for hit in pattern.finditer(text)]
    if not spans:
        return text
    pieces, at = [], 0
    for start, end in _merged(spans):
        pieces += [text[at:start], MASK]
        at = end
    return "".join([*pieces, text[at:]])


def _places_of(value: str, text: str) -> Iterator[tuple[int, int]]:
    start = text.find(value)
    while start >= 0:
        yield start, start + len(value)
        # From the next character: a value may overlap with itself.
        start = text.find(value, start + 1)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans in order, with overlapping and adjacent ones merged."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


class RedactingFilter(logging.Filter):
    """Log filter that masks secrets in every record of a handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact message, exception and stack text in place, and accept the record."""
        record.msg, record.args = redacted(_message_of(record)), None
        if record.exc_info and not record.exc_text:
            record.exc_text = redacted(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        elif record.exc_text:
            record.exc_text = redacted(record.exc_text)
        if record.stack_info:
            record.stack_info = redacted(record.stack_info)
        return True


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # the arguments do not match the format string
        return str(record.msg)


def clamp_logging() -> None:
    """Set the AWS libraries to level WARNING, and add the filter to every root handler."""
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        if not any(isinstance(present, RedactingFilter) for present in handler.filters):
            handler.addFilter(RedactingFilter())
