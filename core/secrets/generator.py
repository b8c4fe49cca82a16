"""Random values for secrets, and their exact strength in bits.

Each value is drawn uniformly from all texts of its length that contain at least one character of
each chosen alphabet; its strength is the logarithm of the number of such texts.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from core.errors import InvalidInput
from core.redaction import Secret

LENGTH_MIN, LENGTH_MAX, LENGTH_DEFAULT = 8, 128, 32
#: Bits above which a value cannot be guessed, and bits above which it is safe only if the service
#: limits attempts (NIST SP 800-131A requires 112 for a key).
STRONG_BITS, FAIR_BITS = 112.0, 72.0

LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
DIGITS = "0123456789"
#: Without quotes, blanks, slashes, `@` and `:`: they break connection URLs, shells and RDS.
SYMBOLS = "!#$%*+-.=?^_~"
#: Characters that are easily confused when they are read aloud or typed.
SIMILAR_CHARACTERS = frozenset("0O1lI")

#: The alphabets by their labels in the form.
ALPHABETS: dict[str, str] = {
    "a–z": LOWER,  # noqa: RUF001 - a dash between two letters, as people read a range
    "A–Z": UPPER,  # noqa: RUF001 - as above
    "0–9": DIGITS,  # noqa: RUF001 - as above
    "Symbols": SYMBOLS,
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """Length and alphabets of a value; every alphabet is used at least once."""

    length: int = LENGTH_DEFAULT
    alphabets: tuple[str, ...] = (LOWER, UPPER, DIGITS)
    similar_characters: bool = True

    @property
    def sets(self) -> tuple[str, ...]:
        """The alphabets without the excluded characters."""
        return tuple(
            "".join(
                char for char in each if self.similar_characters or char not in SIMILAR_CHARACTERS
            )
            for each in self.alphabets
        )


def generate(recipe: Recipe) -> Secret:
    """Return a random value for a recipe, from the operating system's generator.

    Raises:
        InvalidInput: no alphabet is chosen, or the length is not valid.
    """
    sets = _checked(recipe)
    everything = "".join(sets)
    # Rejecting complete texts keeps the distribution uniform; replacing single characters would
    # not.
    while True:
        text = "".join(secrets.choice(everything) for _ in range(recipe.length))
        if all(any(char in each for char in text) for each in sets):
            return Secret(text)


def strength(recipe: Recipe) -> float:
    """Return the strength of a recipe in bits: the logarithm of the number of possible values.

    Raises:
        InvalidInput: no alphabet is chosen, or the length is not valid.
    """
    return math.log2(_count([len(each) for each in _checked(recipe)], recipe.length))


def verdict(bits: float) -> tuple[str, str]:
    """Return a description of a strength, and its tone: `good`, `warning` or `danger`."""
    if bits >= STRONG_BITS:
        return "strong: cannot be guessed", "good"
    if bits >= FAIR_BITS:
        return "fair: only safe if the service limits attempts", "warning"
    return "weak: can be guessed", "danger"


def _count(sizes: Sequence[int], length: int) -> int:
    """Count the texts that contain each alphabet, by inclusion and exclusion."""
    total = sum(sizes)
    return sum(
        (-1) ** left_out * (total - sum(missing)) ** length
        for left_out in range(len(sizes) + 1)
        for missing in combinations(sizes, left_out)
    )


def _checked(recipe: Recipe) -> tuple[str, ...]:
    sets = recipe.sets
    if not sets:
        raise InvalidInput("No characters are selected", remedy="Select at least one alphabet.")
    if not LENGTH_MIN <= recipe.length <= LENGTH_MAX:
        raise InvalidInput(
            f"A length of {recipe.length} is not valid",
            remedy=f"Choose {LENGTH_MIN} to {LENGTH_MAX} characters.",
        )
    return sets
