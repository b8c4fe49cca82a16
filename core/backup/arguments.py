"""Checks of the arguments of callers."""

from __future__ import annotations

from core.errors import InvalidInput


def check_not_empty(**values: object) -> None:
    """Check that no value is an empty text, which does not count as omitted.

    Raises:
        InvalidInput: One of the values is an empty text; the error names it.
    """
    for name, value in values.items():
        if isinstance(value, str) and not value.strip():
            raise InvalidInput(
                f"The {name} is empty",
                cause="An empty value does not count as an omitted one. Often a variable is not "
                "set.",
                remedy="Add a value, or omit it.",
            )
