"""Connections for answers whose length is not declared, as AWS sends the pages of a listing."""

from __future__ import annotations

import re

from core.aws.http_connection import HttpAnswer, HttpConnection, UnexpectedAnswerError

_LINE = b"\r\n"
_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]{1,8}")
_LAST = b"\r\n0\r\n\r\n"


class ChunkedConnection(HttpConnection):
    """A connection that also understands the transfer coding `chunked` (RFC 9112, 7.1)."""

    def _parsed(self, data: bytes) -> HttpAnswer | None:
        end = data.find(_LINE * 2)
        if end < 0:
            return super()._parsed(data)
        answer = HttpAnswer(data[:end], 0)
        if (answer.header("transfer-encoding") or "").lower() != "chunked":
            return super()._parsed(data)
        # An answer without a body ends with its headers, so it must not be coded.
        if not data.startswith(b"HTTP/1.1 200 ") or answer.header("content-length") is not None:
            raise UnexpectedAnswerError("the coding of the answer is not expected")
        if not data.endswith(_LAST):
            return None
        body = decoded(data, end + 4)
        if body is not None:
            self.answered += 1
            answer.status, answer.body = 200, body
            return answer
        return None


def decoded(data: bytes, start: int) -> bytes | None:
    """Return the body that consists of chunks, or None if the last one is not complete.

    Args:
        data: the answer.
        start: where the first chunk begins.

    Raises:
        UnexpectedAnswerError: the chunks are malformed, or something follows them.
    """
    parts = []
    while True:
        end = data.find(_LINE, start)
        if end < 0:
            return None
        size = _size_of(data[start:end])
        start = end + 2
        stop = start + size
        if len(data) < stop + 2:
            return None
        if data[stop : stop + 2] != _LINE:
            raise UnexpectedAnswerError("a part of the answer is longer than declared")
        if not size:
            break
        parts.append(data[start:stop])
        start = stop + 2
    # Headers after the body are not expected, and a second answer would be one to the next request.
    if len(data) != stop + 2:
        raise UnexpectedAnswerError("something follows the answer")
    return b"".join(parts)


def _size_of(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not _HEXADECIMAL.fullmatch(digits):
        raise UnexpectedAnswerError("the length of a part of the answer is not a number")
    return int(digits, 16)
