"""Generated values have the chosen length and alphabets, and their strength is calculated."""

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.secrets import generator
from core.secrets.generator import (
    ALPHABETS,
    DIGITS,
    LENGTH_MAX,
    LENGTH_MIN,
    LOWER,
    SIMILAR_CHARACTERS,
    SYMBOLS,
    Recipe,
    generate,
    strength,
    verdict,
)

RECIPES = st.builds(
    Recipe,
    length=st.integers(LENGTH_MIN, LENGTH_MAX),
    alphabets=st.sets(st.sampled_from(sorted(ALPHABETS.values())), min_size=1).map(tuple),
    similar_characters=st.booleans(),
)


@settings(max_examples=60)
@given(RECIPES)
def test_a_value_has_its_length_and_something_of_each_alphabet_and_nothing_else(recipe):
    text = generate(recipe).reveal()
    assert len(text) == recipe.length
    assert set(text) <= set("".join(recipe.sets))
    assert all(set(text) & set(each) for each in recipe.sets)
    assert recipe.similar_characters or not set(text) & SIMILAR_CHARACTERS
    most = recipe.length * math.log2(len("".join(recipe.sets)))
    assert 0 < strength(recipe) < most + 1e-6


def test_the_strength_is_that_of_counting_them_all(monkeypatch):
    monkeypatch.setattr(generator, "LENGTH_MIN", 1)
    recipe = Recipe(5, ("ab", "12", "#"))
    texts = [t for t in product("ab12#", repeat=5) if all(set(t) & set(e) for e in recipe.sets)]
    assert strength(recipe) == pytest.approx(math.log2(len(texts)))


def test_the_text_says_what_a_strength_means():
    assert strength(Recipe()) > 185
    assert [verdict(bits)[1] for bits in (112, 111.9, 72, 71.9)] == [
        "good", "warning", "warning", "danger",
    ]  # fmt: skip
    assert verdict(strength(Recipe(8, (DIGITS,))))[0].startswith("weak")


def test_values_differ_and_break_no_connection_url():
    recipe = Recipe(24, (LOWER, SYMBOLS))
    assert len({generate(recipe).reveal() for _ in range(50)}) == 50
    assert not set(SYMBOLS) & set("/@:\"'`\\ &;|<>()")


@pytest.mark.parametrize("recipe", [Recipe(7), Recipe(129), Recipe(alphabets=())])
def test_what_cannot_be_made_is_refused(recipe):
    for act in (generate, strength):
        with pytest.raises(InvalidInput):
            act(recipe)
