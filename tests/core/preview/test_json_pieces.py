"""Large JSON that is parsed in pieces has the same value as if it were parsed at once."""

from __future__ import annotations

import json
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from helpers.doses import HEAVY
from hypothesis import given, settings
from hypothesis import strategies as st

from core.preview import ProblemKind, Tree, preview
from core.preview.json_pieces import parse_pieces
from core.preview.json_runs import AT_ONCE, parse_bytes
from core.preview.numbers import exact_copy, is_number

MOST = 1_000_000
SCALARS = st.none() | st.booleans() | st.integers(0, 10**30) | st.floats(1, 9) | st.text(max_size=9)
VALUES = st.recursive(
    SCALARS | st.sampled_from(['"', "\\", '\\"[{', "a,b]", "}"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=40,
)  # fmt: skip
CONTAINERS = st.lists(VALUES, max_size=9) | st.dictionaries(st.text(max_size=5), VALUES, max_size=9)
CALM = settings(max_examples=5_000 if HEAVY else 40, deadline=None)


@contextmanager
def small_pieces(run, chunk):
    """Divide texts as if they were very long."""
    with (
        patch("core.preview.json_pieces.RUN", run),
        patch("core.preview.json_pieces._CHUNK", chunk),
    ):
        yield


def parsed(data, most=MOST):
    return parse_pieces(data, most, lambda: False)


def is_beginning(part, of):
    """Return whether a value is a beginning of another one."""
    if isinstance(of, dict) and isinstance(part, dict):
        names = list(of)[: len(part)]
        return list(part) == names and all(is_beginning(part[name], of[name]) for name in names)
    if isinstance(of, list) and isinstance(part, list):
        return len(part) <= len(of) and all(map(is_beginning, part, of))
    return exact_copy(part) == exact_copy(of)


@given(CONTAINERS, st.integers(1, 40), st.integers(1, 30), st.booleans())
@CALM
def test_pieces_of_any_size_are_the_value(value, run, chunk, spaced):
    data = json.dumps(value, indent=1 if spaced else None, ensure_ascii=spaced).encode()
    with small_pieces(run, chunk):
        found = parsed(b" " + data + b"\n")
    assert exact_copy(found.value) == exact_copy(parse_bytes(data))
    assert not found.cut
    assert not found.more


@given(CONTAINERS, st.integers(1, 40), st.integers(1, 30), st.data())
@CALM
def test_what_precedes_a_cut_is_shown(value, run, chunk, data):
    text = json.dumps(value).encode()
    at = data.draw(st.integers(1, len(text) - 1))
    with small_pieces(run, chunk):
        found = parsed(text[:at])
    assert found.cut
    assert is_beginning(found.value, parse_bytes(text))


@given(CONTAINERS, st.integers(1, 40), st.data())
@CALM
def test_a_damaged_text_is_refused_or_has_its_own_value(value, run, data):
    text = bytearray(json.dumps(value).encode())
    at = data.draw(st.integers(0, len(text) - 1))
    text[at : at + data.draw(st.integers(0, 2))] = data.draw(
        st.sampled_from([b"", b",", b"]", b'"', b"7"])
    )
    with small_pieces(run, 16):
        try:
            found = parsed(bytes(text))
        except ValueError:
            return
    if not found.cut:
        assert exact_copy(found.value) == exact_copy(parse_bytes(bytes(text)))


@pytest.mark.parametrize("text", ["[1,,2]", "[,1]", "[1,]", '{"a":1,}', '{"a":1,"a":2}', "[1}", "[1]]", "[1] 2",
                                  '{"a" 1}', "{[1]: 2}", '{"a": [1] [2]}', "7", '"a"', "", "[" * 200])  # fmt: skip
def test_what_is_not_one_container_is_for_another_reader(text):
    with small_pieces(1, 3), pytest.raises(ValueError):  # noqa: PT011 - the text does not matter
        parsed(text.encode())


def test_beyond_the_limit_nothing_is_read():
    data = json.dumps([[n, n + 1] for n in range(50)]).encode()
    with small_pieces(8, 16):
        found = parsed(data, most=60)
    assert found.more
    assert is_beginning(found.value, parse_bytes(data))
    assert 15 <= len(found.value) <= 20


def tree(groups):
    items = {f"item {n}": [n, n / 7, {"list": [1, 2, n]}] for n in range(900)}
    return {f"group {number}": items for number in range(groups)}


def test_a_tree_of_many_values_is_complete():
    text = json.dumps(tree(20))
    assert len(text) > AT_ONCE
    found = preview(text.encode(), "tree.json")
    (shown,) = [each for each in found.representations if isinstance(each, Tree)]
    assert found.problems == ()
    assert shown.value["group 19"]["item 899"][2]["list"][2] == 899
    assert is_number(shown.value["group 0"]["item 1"][1])


@pytest.mark.parametrize(
    ("total", "kind"), [(None, ProblemKind.TRUNCATED), (10**8, ProblemKind.NOTE)]
)
def test_the_beginning_of_a_tree_is_shown_with_a_finding(total, kind):
    text = json.dumps(tree(20))[:-20_000]
    found = preview(text.encode(), "tree.json", total=total)
    (shown,) = [each for each in found.representations if isinstance(each, Tree)]
    assert len(shown.value) == 20
    assert len(shown.value["group 19"]) > 400
    assert set(found.counts) == {kind}


def test_of_more_values_than_the_limit_the_first_are_shown():
    text = json.dumps({"a": {"b": list(range(1_100_000))}})
    found = preview(text.encode(), "tree.json")
    (shown,) = [each for each in found.representations if isinstance(each, Tree)]
    assert 990_000 < len(shown.value["a"]["b"]) <= 1_000_000
    assert "too much for a preview" in found.problem_texts
