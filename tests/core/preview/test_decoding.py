"""Text that is not valid: what is shown instead, and in how long calls it is decoded."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.preview import preview
from core.preview.decoding import with_replacements

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
#: Bytes that begin, continue or break characters in some encoding.
_BYTES = st.lists(st.sampled_from(list(b"\x00a\x80\xc3\xd8\xdc\xe2\xed\xf0\xff"))).map(bytes)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(data=_BYTES, size=st.integers(1, 9))
def test_pieces_give_the_same_text_as_one_call(encoding, data, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.preview.decoding._INVALID_PIECE", size)
        assert with_replacements(data, encoding) == data.decode(encoding, errors="replace")


@pytest.mark.parametrize(
    ("key", "data"),
    [("a.txt", b"\xff\xfe" + b"\x00\xd8" * 200_000), ("a.txt", b"\0" * 5_000 + b"\xff" * 400_000)],
    ids=["UTF-16", "binary"],
)
def test_no_other_thread_waits_for_a_long_call(key, data, monkeypatch):
    lengths = []
    real = codecs.getincrementaldecoder

    def measured(encoding):
        class Decoder(real(encoding)):
            def decode(self, given, final=False):
                if self.errors == "replace":
                    lengths.append(len(given))
                return super().decode(given, final)

        return Decoder

    monkeypatch.setattr(codecs, "getincrementaldecoder", measured)
    preview(data, key)
    # 32 KB of replacements take about 10 ms, during which the window cannot draw.
    assert sum(lengths) > 400_000 - 3
    assert max(lengths) <= 32 * 1024
