"""JSON that is decoded piece by piece has the same value as with the standard library."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.local import json_pieces
from core.local.json_pieces import load_json

TEXTS = st.text(alphabet=st.sampled_from('a,"\\[]{}: é\udc80')) | st.text()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)


@given(VALUES, st.integers(0, 12), st.sampled_from([None, 2]))
def test_the_value_is_that_of_the_standard_library(value, size, indent):
    text = json.dumps(value, indent=indent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_pieces, "_PIECE_CHARS", size)
        assert load_json(text) == json.loads(text) == value


@given(VALUES, st.integers(0, 40), st.text(max_size=2))
def test_a_damaged_text_is_an_error_or_read_alike(value, place, damage):
    text = json.dumps({"a": value, "b": [1, "x"]})
    text = text[:place] + damage + text[place + 1 :]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_pieces, "_PIECE_CHARS", 3)
        try:
            expected = json.loads(text)
        except ValueError:
            with pytest.raises(json.JSONDecodeError):
                load_json(text)
        else:
            assert load_json(text) == expected


def test_many_pieces_are_joined_in_order():
    columns = {"keys": [f'k,{n}", "' for n in range(9_000)], "sizes": list(range(9_000)), "x": True}
    assert load_json(json.dumps({"arguments": columns})) == {"arguments": columns}


@pytest.mark.parametrize(
    "text", ["[1,2,3,4,5,]", "[,1,2,3,4]", "[1,2,3,,4,5]", "[1,2,3,4", "[1]x", "{", ""]
)
def test_what_is_not_json_is_refused(text, monkeypatch):
    monkeypatch.setattr(json_pieces, "_PIECE_CHARS", 0)
    with pytest.raises(json.JSONDecodeError):
        load_json(text)
