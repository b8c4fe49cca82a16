"""Objects that attack the previews, with time and memory of each; `python -m helpers.hostile_inputs`.

It runs as a separate process, so that its peak of memory is that of one preview.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import pickle
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import zstandard

from core.preview import LIMITS, preview

MIB = 1024 * 1024
FULL = LIMITS.bytes_out
#: The most seconds of the processor and bytes of memory for one object.
MOST_SECONDS, MOST_BYTES = 1.0, 300 * MIB


def hostile_inputs() -> Iterator[tuple[str, bytes]]:
    """Yield the key and the bytes of each object."""
    yield from _bombs()
    yield from _documents()
    yield from _tables()
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1/x"/></svg>'
    yield "picture.svg", svg
    yield "huge.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\x7f\xff\xff\xff" * 2 + b"\x08\2\0\0\0"
    yield "model.pkl", pickle.dumps(list(range(MIB)), 4)
    yield "array.npy", b"\x93NUMPY\1\0" + bytes(FULL - 8)
    yield "zeros.parquet", b"PAR1" + bytes(FULL - 4)
    yield "red.log", b"\x1b]0;title\x07\x1b[31m\x9b\x90ERROR\n" * (FULL // 40)


def _bombs() -> Iterator[tuple[str, bytes]]:
    zeros = bytes(64 * MIB)
    yield "zeros.json.gz", gzip.compress(zeros)
    yield "zeros.json.zst", zstandard.compress(zeros)
    yield "zeros.csv.bz2", bz2.compress(zeros[: 16 * MIB])
    yield "zeros.log.xz", lzma.compress(zeros[: 16 * MIB])
    nested = b"{}"
    for _ in range(20):
        nested = gzip.compress(nested)
    yield "nested.json.gz", nested


def _documents() -> Iterator[tuple[str, bytes]]:
    yield "deep.json", b"[" * 100_000
    yield "deep-objects.json", b'{"a":' * 100_000
    yield "long-number.json", b'{"a": ' + b"9" * FULL + b"}"
    yield "one-line.json", b'"' + b"x" * (FULL - 2) + b'"'
    yield "numbers.json", b"[[" + b"1," * (FULL // 2 - 2) + b"1]]"
    yield "lists.json", b"[[[" + b"[]," * (FULL // 3 - 4) + b"1]]]"
    yield "names.json", b"{" + b",".join(b'"k%d":1' % n for n in range(500_000)) + b"}"
    yield "equal-names.json", b"{" + b",".join([b'"k":1'] * 500_000) + b"}"
    wide = [{f"{n}_{m}": 1 for m in range(100)} for n in range(3000)]
    yield "wide.json", json.dumps(wide).encode()
    yield "utf-16.json", json.dumps(["ß" * 99] * 9_000, ensure_ascii=False).encode("utf-16")
    yield "not-utf-8.json", b'{"a": "' + b"\xff\xfe" * (FULL // 2 - 8) + b'"}'
    for name, byte in {"escapes": b"\x1b]", "newlines": b"\n", "commas": b",", "quotes": b'"',
                       "zeros": b"\0", "spaces": b" ", "backslashes": b"\\"}.items():  # fmt: skip
        for ending in ("json", "csv"):
            yield f"only-{name}.{ending}", byte * (FULL // len(byte))


def _tables() -> Iterator[tuple[str, bytes]]:
    yield "field.csv", b"a,b\n1," + b"x" * (FULL - 10)
    head = b",".join(b"c%d" % n for n in range(100_000))
    yield "columns.csv", head + b"\n" + b"1," * 99_999 + b"1\n"
    yield "quote.csv", b'a,b\n1,2\n"3,4\n' + b"7,8\n" * (FULL // 4 - 4)
    yield "nul.csv", b"a,b\n" + b"\x001,2\r3,4\r\n" * (FULL // 10 - 1)
    yield "formulas.csv", b"<b>a</b>,=1+1\n" + b"@SUM(A1),<img src=x>\n" * (FULL // 22)


def main() -> int:
    """Preview each object; print those that take too much."""
    preview(b"[1]", "a.json")
    preview(b"a,b\n1,2\n", "a.csv")
    count = failed = 0
    for key, data in hostile_inputs():
        count += 1
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins again
        before, began = _memory("VmRSS"), time.thread_time()
        found = preview(data, key, total=len(data))
        took, grown = time.thread_time() - began, _memory("VmHWM") - before
        good = found.representations and took < MOST_SECONDS and grown < MOST_BYTES
        failed += not good
        mark = "" if good else "! "
        sys.stdout.write(
            f"{mark}{key}: {took:.2f} s, {grown // MIB} MB, {found.problem_texts[:90]}\n"
        )
        del found
    sys.stdout.write(f"{count} hostile objects, {failed} failed\n")
    return 1 if failed else 0


def _memory(name: str) -> int:
    """Return a value of the memory of this process in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    message = f"/proc/self/status has no {name}"
    raise LookupError(message)


if __name__ == "__main__":
    sys.exit(main())
