"""The error of the recovery script, and checks of data from a backup."""

from __future__ import annotations

from typing import Any

#: Exit codes, equal to those of Strongroom.
DENIED = 13
USAGE, NOT_FOUND, EXISTS, NOT_SUPPORTED, ARCHIVED = 2, 20, 22, 25, 26
OFFLINE, SERVICE, CORRUPT, LOCAL, DATABASE, INTERRUPTED = 31, 33, 40, 42, 43, 130

INTEGERS = range(-(2**63), 2**63)


class KitError(Exception):
    """A failure with its exit code, and a remedy that may be empty."""

    def __init__(self, code: int, text: str, remedy: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.remedy = remedy


def corrupt(text: str) -> KitError:
    """Return the error of a damaged or forged backup."""
    return KitError(CORRUPT, text, "Choose another backup with --id.")


def checked_record(value: Any, template: dict[str, Any], what: str) -> dict[str, Any]:
    """Return an object of a manifest with the defaults of missing fields.

    A field without a default in the template (None) is text or null. Unknown fields are refused:
    to ignore them would restore less than was backed up.

    Raises:
        KitError: A field is unknown or has another type.
    """
    if not isinstance(value, dict):
        raise corrupt(f"The manifest's {what} is not an object.")
    if unknown := sorted(set(value) - set(template)):
        raise KitError(
            NOT_SUPPORTED,
            f"The manifest's {what} has fields that this kit does not support: {unknown}.",
            "Use the kit of a newer version of Strongroom.",
        )
    for name, found in value.items():
        if not _has_type_of(found, template[name]):
            raise corrupt(f"The manifest's {what}.{name} has the wrong type.")
    return {**template, **value}


def _has_type_of(found: Any, default: Any) -> bool:
    if default is None:
        return found is None or isinstance(found, str)
    if isinstance(default, int) and not isinstance(default, bool):
        return type(found) is int and found in INTEGERS
    return type(found) is type(default)


def texts(values: Any, what: str) -> list[str]:
    """Return a list of texts.

    Raises:
        KitError: It is something else.
    """
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise corrupt(f"The manifest's {what} is not a list of texts.")
    return values


def counted_rows(count: int) -> str:
    """Return a number of rows as text."""
    return "1 row" if count == 1 else f"{count} rows"
