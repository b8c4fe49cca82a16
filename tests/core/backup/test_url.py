"""Database URLs mean the same as for SQLAlchemy, whose form is used."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from core.backup.databases.url import DatabaseUrl
from core.errors import InvalidInput
from core.redaction import Secret

_PIECES = [*"ab:/@?[]%+&= .#ü2", "%40", "%2F", "://", "user@", "host", ":5432", "/db", "?ssl=1"]
TEXTS = st.lists(st.sampled_from(_PIECES), max_size=12).map("".join)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


def parts(text: str) -> tuple[Any, ...] | None:
    """Return the parts of a URL as SQLAlchemy reads them, and its text without a password."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        return None
    plain = url._replace(password=None).render_as_string(hide_password=False)
    return (url.drivername, url.username, url.password, url.host, url.port, url.database,
            dict(url.query), plain)  # fmt: skip


@given(st.sampled_from(["", "postgresql://", "mysql+pymysql://"]), TEXTS)
def test_a_url_has_the_same_parts_as_for_sqlalchemy(scheme: str, text: str) -> None:
    expected = parts(scheme + text)
    try:
        url = DatabaseUrl.parse(scheme + text)
    except InvalidInput:
        # Only Strongroom refuses a port with a sign, a space or more than five digits.
        assert expected is None or expected[4] is not None
        return
    assert expected is not None
    password = None if url.password is None else url.password.reveal()
    found = (url.scheme, url.username, password, url.host, url.port, url.database)
    assert found == expected[:6]
    if not any(isinstance(value, tuple) for value in expected[6].values()):
        assert (dict(url.options), url.without_password()) == expected[6:]


@given(NAMES, NAMES, NAMES, st.dictionaries(NAMES, NAMES, max_size=2))
def test_any_names_survive_in_a_url(
    user: str, password: str, database: str, options: dict[str, str]
) -> None:
    url = DatabaseUrl("mysql", user, Secret(password), "::1", 3306, database, options)
    parsed = DatabaseUrl.parse(url.without_password())
    assert parsed == DatabaseUrl("mysql", user, None, "::1", 3306, database, options)
    assert make_url(url.without_password()).username == user


@pytest.mark.parametrize("text", ["mysql://u:secret@h:x/d", "mysql://u:secret@h:/d", "u:secret@h"])
def test_an_unreadable_url_is_not_repeated(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        DatabaseUrl.parse(text)
    assert "secret" not in f"{refused.value!r} {refused.value.subject} {refused.value.remedy}"


@pytest.mark.parametrize("port", [0, 65536, 99999])
def test_a_port_that_no_server_can_have_is_refused(port: int) -> None:
    with pytest.raises(InvalidInput, match=f"{port} is not the port of a database server"):
        DatabaseUrl.parse(f"postgresql://u:secret@h:{port}/d")


def test_a_password_is_not_shown() -> None:
    url = DatabaseUrl.parse("mysql://ada:s3cret@host/db")
    assert url.password == Secret("s3cret")
    assert "s3cret" not in f"{url} {url!r} {url.without_password()}"
