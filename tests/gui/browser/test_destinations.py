"""A typed key is opened with its spaces and its star if such an object exists."""

from types import SimpleNamespace

import pytest

from core.layout.places import parse_place
from core.work import Work
from gui.tabs.browser import navigation
from gui.tabs.browser.navigation import Destination, find_destination

KEYS = ("a/b", "a/b ", "a/c ", "logs/*", "logs/x", "data/y")


@pytest.fixture(autouse=True)
def listed(monkeypatch):
    """List one level of the keys without a request."""

    def list_level(_bucket, prefix, **_more):
        found = [key for key in KEYS if key.startswith(prefix)]
        return SimpleNamespace(
            objects=[SimpleNamespace(key=key) for key in found if "/" not in key[len(prefix) :]],
            folders=[key for key in found if "/" in key[len(prefix) :]],
        )

    monkeypatch.setattr(navigation, "list_level", list_level)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://b/a/b", Destination("a/", "a/b")),
        ("s3://b/a/b ", Destination("a/", "a/b ")),
        ("a/c ", Destination("a/", "a/c ")),
        (" a/b\r\n", Destination("a/", "a/b")),
        ("arn:aws:s3:::b/logs/*", Destination("logs/", "logs/*")),
        ("arn:aws:s3:::b/data/*", Destination("data/")),
        ("arn:aws:s3:::b/*", Destination("")),
        ("s3://b/a/d ", Destination("a/", missing="a/d")),
    ],
)
def test_the_literal_key_has_priority(text, expected):
    place = parse_place(text)
    assert find_destination(None, place.key, Work(), literal=place.literal) == expected
