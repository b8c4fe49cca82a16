"""Read the lifecycle configuration of a request, in the shape of the API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree as ET

_LISTS = {
    "Transition": "Transitions",
    "NoncurrentVersionTransition": "NoncurrentVersionTransitions",
}
_NUMBERS = frozenset(
    {
        "Days",
        "DaysAfterInitiation",
        "NewerNoncurrentVersions",
        "NoncurrentDays",
        "ObjectSizeGreaterThan",
        "ObjectSizeLessThan",
    }
)


def rules_of(body: bytes) -> list[dict[str, Any]]:
    """Return the rules of a PutBucketLifecycleConfiguration request.

    Raises:
        ValueError: the body is not well-formed, or a number is none.
    """
    try:
        root = ET.fromstring(body)  # noqa: S314 - on the loopback, from this machine's own user
    except ET.ParseError:
        raise ValueError("the XML is not well-formed") from None
    return [_fields(rule) for rule in root if _name(rule) == "Rule"]


def _fields(element: Iterable[ET.Element]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        name = _name(child)
        if name in _LISTS:
            found.setdefault(_LISTS[name], []).append(_fields(child))
        else:
            found[name] = _value(name, child)
    return found


def _value(name: str, element: ET.Element) -> Any:
    if len(element) or name in {"Filter", "And"}:
        return _fields(element)
    text = (element.text or "").strip() if name in _NUMBERS else element.text or ""
    if name in _NUMBERS:
        return int(text)
    return text == "true" if name == "ExpiredObjectDeleteMarker" else text


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
