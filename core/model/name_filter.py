"""Filter of names by patterns, as `--include` and `--exclude` of the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import translate

#: The characters that distinguish a pattern from a name; names may contain them, too.
MAGIC = re.compile(r"[*?\[]")


def is_pattern(text: str) -> bool:
    """Return whether a text contains a character of patterns; keys may contain it, too."""
    return bool(MAGIC.search(text))


@dataclass(frozen=True, slots=True)
class NameFilter:
    """Names that match a pattern of `include`, if there is one, and no pattern of `exclude`.

    Patterns are those of `fnmatch`, match the complete name, and distinguish upper and lower case
    on every system, as keys do. `*` also matches slashes, so `*.csv` matches files in all folders.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    _included: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _excluded: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the patterns once: a folder may have a million names."""
        object.__setattr__(self, "_included", _any_of(self.include))
        object.__setattr__(self, "_excluded", _any_of(self.exclude))

    def matches(self, name: str) -> bool:
        """Return whether a name, relative to the folder or prefix, is included."""
        if self._included is not None and not self._included.match(name):
            return False
        return not self.excludes(name)

    def excludes(self, name: str) -> bool:
        """Return whether a name matches a pattern of `exclude`."""
        return self._excluded is not None and bool(self._excluded.match(name))


def _any_of(patterns: Sequence[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(translate, patterns))) if patterns else None
