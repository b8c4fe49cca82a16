"""Texts at which ranges of keys are divided, and the levels of folders that divide them."""

from itertools import pairwise

import pytest
from helpers.ordered_listing import columns_of
from hypothesis import given
from hypothesis import strategies as st

from core.objects.folder_levels import FolderNames, large_levels, levels_of
from core.objects.key_ranges import (
    NO_NAME,
    KeyRange,
    boundaries,
    columns_between,
    evenly,
    spread,
    text_before,
)


@given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=30), st.text(max_size=5),
       st.integers(1, 20))  # fmt: skip
def test_boundaries_ascend_between_the_page_and_the_end_of_the_range(keys, until, most):
    keys = sorted(keys)
    end = until if until > keys[-1] else None
    found = boundaries("", keys, end, most)
    assert len(found) <= most
    assert all(before < after for before, after in pairwise([keys[-1], *found]))
    assert end is None or all(each < end for each in found)


def test_the_boundaries_of_numbered_keys_are_their_next_digits():
    page = [f"p/k{number:04}" for number in range(20)]
    assert boundaries("p/", page, None, 2) == ["p/k1", "p/k2"]
    assert boundaries("p/", page, None, 10)[:2] == ["p/k01", "p/k1"]
    assert boundaries("p/", page, "p/k1", 1) == ["p/k01"]
    assert boundaries("p/", ["p/b", "p/a"], None, 5) == []


def test_letters_follow_digits_in_random_names():
    assert "a" in boundaries("", ["01c", "0a1", "0b2"], None, 20)
    assert boundaries("", ["a01", "a02"], None, 20) == ["a1", "a2"]


def test_a_range_with_an_end_is_divided_at_equal_distances():
    page = [f"k{number:04}" for number in range(1000, 1100)]
    part = KeyRange("k", "k1", "k2", pages=1)
    assert evenly(part, page, 3) == ["k132", "k154", "k177"]
    assert len(evenly(part, page, 100)) == 9
    assert evenly(KeyRange("k", "k1", "k11", pages=1), page, 5) == []
    assert evenly(KeyRange("k", "k1", None, pages=1), page, 5) == []
    letters = [f"k0{number:03x}" for number in range(200)]
    assert len(evenly(KeyRange("k", "", "k1", pages=1), letters, 64)) > 10


def test_rows_outside_a_range_are_removed():
    columns = columns_of(["a", "b", "c", "d"])
    assert columns_between(columns, "", None) is columns
    assert columns_between(columns, "a", "c").keys == ["b", "c"]
    assert columns_between(columns, "", "0").keys == []
    assert columns_between(columns_of([]), "x", "y").keys == []


def test_levels_are_those_above_the_last_key_down_to_small_folders():
    page = [f"md/A/2024/{month:02}/{day:02}/x" for month in (1, 2) for day in (1, 2, 3)]
    assert levels_of("", page) == ["", "md/", "md/A/", "md/A/2024/"]
    assert levels_of("", ["a", "b"]) == [""]
    assert levels_of("", [f"{name}/x" for name in "abcd"]) == ["", "d/"]
    assert levels_of("", [f"x/{name}/x" for name in "abcd"]) == [""]


def test_folders_beside_show_that_those_of_the_last_key_are_small():
    page = [f"md/A/{month:02}/{day:02}/x" for month in (1, 2) for day in (1, 2, 3)][:5]
    levels = levels_of("", page)
    assert levels == ["", "md/", "md/A/", "md/A/02/", "md/A/02/02/"]
    assert large_levels(levels, page) == (["", "md/", "md/A/"], 2)
    assert large_levels([""], ["a", "b"]) == ([""], 1)
    assert large_levels(["", "d/"], ["c/x/1", "d/x/1"]) == (["", "d/"], 1)


@pytest.mark.parametrize(
    ("folder", "text"),
    [
        ("y/02/", f"y/01{NO_NAME}"),
        ("y/10/", f"y/0{NO_NAME}"),
        ("y/00/", None),
        ("y/b-/", None),
        ("y/\N{SNOWMAN}/", None),
    ],
)
def test_a_text_before_a_folder_is_no_folder(folder, text):
    assert text_before(folder[:-1], "y/") == text


def names_of(levels):
    """Return the names in the folder `s/`, by level: folders end with a slash."""
    names = FolderNames()
    assert [each.prefix for each in names.requests("s/", ["", "1h/", "1h/2020/"])] == [
        "s/", "s/1h/", "s/1h/2020/",
    ]  # fmt: skip
    for level, found in levels.items():
        assert names.texts("s/") == []  # not before all are known
        folders = [level + name for name in found if name.endswith("/")]
        keys = [level + name for name in found if not name.endswith("/")]
        names.add(level, columns_of(keys, folders), complete=True)
    assert names.requests("s/", ["", "1h/"]) == []
    return names


@pytest.mark.parametrize(
    ("top", "years", "texts"),
    [
        (["1h/"], ["2020/"], [f"s/1h/2020/01{NO_NAME}", f"s/1h/2020/02{NO_NAME}"]),
        (["1h/", "1h.json"], ["2020/"], []),
        (["1h-x/", "1h/"], ["2020/"], []),
        (
            ["1/", "1h/"],
            ["2020/"],
            [f"s/1g{NO_NAME}", f"s/1h/2020/01{NO_NAME}", f"s/1h/2020/02{NO_NAME}"],
        ),
        (["1h/"], ["2020/", "2020!"], []),
        (
            ["1h/"],
            ["2019/", "2020/"],
            [f"s/1h/201{NO_NAME}", f"s/1h/2020/01{NO_NAME}", f"s/1h/2020/02{NO_NAME}"],
        ),
        (
            ["1h/"],
            ["2019/", "2020/", f"201{NO_NAME}/"],
            [f"s/1h/2020/01{NO_NAME}", f"s/1h/2020/02{NO_NAME}"],
        ),
    ],
)
def test_a_folder_is_divided_where_no_name_is_placed_differently(top, years, texts):
    months = ["01/", "02/", "03/"]
    names = names_of({"s/": top, "s/1h/": years, "s/1h/2020/": months})
    assert names.texts("s/") == texts


def test_a_folder_whose_names_are_not_all_known_is_not_divided_by_them():
    names = FolderNames()
    names.requests("s/", ["", "1h/"])
    names.add("s/", columns_of([], ["s/1h/"]), complete=False)
    names.add("s/1h/", columns_of([], ["s/1h/01/", "s/1h/02/"]), complete=True)
    assert names.texts("s/") == []


def test_the_only_folder_between_two_texts_is_listed_by_its_prefix():
    months = ["01/", "02/", "03/", "03.json", "05/"]
    names = names_of({"s/": ["1h/"], "s/1h/": ["2020/"], "s/1h/2020/": months})
    assert names.only_folder("s/1h/2020/01~", "s/1h/2020/02~") == "s/1h/2020/02/"
    assert names.only_folder("s/1h/2020/01~", "s/1h/2020/04~") is None
    assert names.only_folder("s/1h/2020/02~", "s/1h/2020/04~") is None
    assert names.only_folder("s/1h/2020/04~", None) is None
    assert names.only_folder("s/1h/2020/02~", "s/1h/2021~") is None


def test_texts_are_chosen_at_equal_distances():
    for begun in (True, False):
        assert spread(["a"], 3, begun=begun) == ["a"]
    assert spread(list("abcdefg"), 3, begun=False) == ["b", "d", "f"]
    # Of nine parts one group has three: the one with the part that is probably shorter.
    assert spread(list("abcdefgh"), 3, begun=True) == ["c", "e", "g"]
    assert spread(list("abcdefgh"), 3, begun=False) == ["b", "d", "f"]


@given(st.integers(1, 60), st.integers(1, 60), st.booleans())
def test_parts_between_chosen_texts_differ_by_one_at_most(count, most, begun):
    texts = [f"{number:02}" for number in range(count)]
    chosen = spread(texts, most, begun=begun)
    assert len(chosen) == min(count, most)
    ends = [-1, *map(texts.index, chosen), count]
    sizes = [end - begin for begin, end in pairwise(ends)]
    assert max(sizes) - min(sizes) <= 1
