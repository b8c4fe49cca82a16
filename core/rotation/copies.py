"""Copies of a rotated value in other fields of the same secret: search and replacement.

A secret often contains its password twice: in a field and inside a URL. An unambiguous copy is
replaced in the same new version: a field that equals the value, the user information of a URL, or a
named parameter such as `password=` of a connection string, if it belongs to the same login. Every
other copy (inside a longer text, in Base64, of another login) is not changed but reported, since a
wrong guess could break another system.

Fields are searched including nested lists, objects, and texts that are JSON.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, unquote_plus

from core.errors import InvalidInput
from core.model.rotation import Copy, CopyForm, Facts, Rotation
from core.model.secret_names import OPEN_FIELDS, field_value
from core.redaction import Secret
from core.secrets import secret_text
from core.secrets.splice import text_positions

#: Values shorter than this are only found if a field equals them.
_SHORTEST_PART = 4
#: A field that equals a value of at least this length, or has a matching name, is a copy.
_SHORTEST_VALUE = 8
_SECRET_NAME = re.compile(r"pass|pwd|secret|token|key|cred", re.IGNORECASE)
#: A password may equal the user name or the database, which must not change with it.
_NO_SECRET_NAMES = OPEN_FIELDS | {"user", "login", "name", "schema"}
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][\w+.\-]*://)(?P<place>[^\s\"'<>/?#]*@)(?P<host>[^\s\"'<>/?#]*)"
)
_PARAMETER = re.compile(
    r"(?P<name>\b[\w.\-]*(?:password|passwd|pwd|pass|secret|secret_access_key|api_?key|"
    r"access_key_id|token)\s*=\s*)(?P<quote>['\"]?)(?P<value>[^\s;&'\"]+)(?P=quote)",
    re.IGNORECASE,
)
_USER = re.compile(r"\b(?:user|uid|username|user id)\s*=\s*['\"]?([^\s;&'\"]+)", re.IGNORECASE)
_HOST = re.compile(r"\b(?:host|server|hostname)\s*=\s*['\"]?([^\s;&'\"]+)", re.IGNORECASE)
_SERVER = re.compile(r"://(?:[^\s@/?#]*@)?([^\s/?#]+)")
_UNQUOTED = re.compile(r"[^\s;&'\"\\]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-]{8,}={0,2}")
#: Names of this machine, which are the same host.
_HERE = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


@dataclass(frozen=True, slots=True)
class Replacement:
    """A value that is rotated.

    Args:
        field: the field with the value.
        old: the old value.
        new: the new value, or the old one if copies are only searched.
        user: the login that it belongs to, if the secret contains one.
        host: the server that it belongs to, if the secret contains one.
        identifier: whether it is an identifier such as an access key id, and not secret.
    """

    field: str
    old: Secret
    new: Secret
    user: str = ""
    host: str = ""
    identifier: bool = False


def find(text: Secret, replacements: Sequence[Replacement]) -> tuple[Copy, ...]:
    """Return the copies of the old values in the text of a secret."""
    return tuple(_walk(text, replacements)[1])


def replace_copies(text: Secret, replacements: Sequence[Replacement]) -> Secret:
    """Return the text with every unambiguous copy replaced and all other bytes unchanged.

    Raises:
        InvalidInput: the text contains a field twice.
    """
    rows, copies = _walk(text, replacements)
    if not any(copy.replaceable for copy in copies):
        return text
    return Secret(secret_text.text_of(rows, text.reveal()))


def _walk(
    text: Secret, replacements: Sequence[Replacement]
) -> tuple[list[secret_text.SecretRow], list[Copy]]:
    try:
        rows = secret_text.rows_of(text.reveal())
    except InvalidInput:
        return [], []
    own, copies, changed = {each.field for each in replacements}, _Found(), []
    for row in rows:
        # The rotated field itself is set by the strategy and is no copy.
        if row.key in own:
            changed.append(row)
        elif row.quoted:
            value = _searched(row.value.reveal(), row.key, row.key, replacements, copies)
            changed.append(replace(row, value=field_value(row.key, value)))
        else:
            raw = _in_json(row.value.reveal(), row.key, replacements, copies)
            changed.append(replace(row, value=field_value(row.key, raw)))
    return changed, copies.all


class _Found:
    """Collector of copies, each place once."""

    def __init__(self) -> None:
        self.all: list[Copy] = []

    def add(self, place: str, form: CopyForm, *, replaceable: bool) -> None:
        if not any(copy.place == place and copy.form is form for copy in self.all):
            self.all.append(Copy(place, form, replaceable))


def _in_json(raw: str, place: str, replacements: Sequence[Replacement], found: _Found) -> str:
    """Search the texts of a JSON value, and return it with copies replaced."""
    if any(raw.strip() == each.old.reveal() for each in replacements):
        found.add(place, CopyForm.COMPLETE, replaceable=False)  # a number: maybe a coincidence
    pieces: list[str] = []
    at = 0
    # Only the texts are replaced in place, so that numbers and spaces stay unchanged.
    for path, start, end in text_positions(raw):
        value = json.loads(raw[start:end])
        name = path.rpartition(".")[2]
        new = _searched(value, f"{place}{path}", name, replacements, found)
        # Unchanged texts are not written again, since that could change their escapes.
        if new != value:
            pieces += [raw[at:start], json.dumps(new, ensure_ascii=False)]
            at = end
    return "".join([*pieces, raw[at:]])


def _searched(
    value: str, place: str, name: str, replacements: Sequence[Replacement], found: _Found
) -> str:
    """Search one text, and return it with copies replaced."""
    if value.lstrip()[:1] in {"{", "["} and _is_json(value):
        return _in_json(value, place, replacements, found)
    for each in replacements:
        value = _replaced_in(value, place, name, each, found)
    return value


def _replaced_in(value: str, place: str, name: str, what: Replacement, found: _Found) -> str:
    old = what.old.reveal()
    if value == old:
        safe = _is_own_copy(name, what)
        found.add(place, CopyForm.COMPLETE, replaceable=safe)
        return what.new.reveal() if safe else value

    def note(form: CopyForm) -> Callable[[], None]:
        return lambda: found.add(place, form, replaceable=True)

    # URLs first: the user information of a URL must be percent-encoded, a parameter need not be.
    changed = _URL.sub(lambda url: _in_url(url, what, note(CopyForm.URL)), value)
    if _is_same_login(changed, what):
        in_url = "://" in changed
        changed = _PARAMETER.sub(
            lambda one: _in_parameter(one, what, in_url, note(CopyForm.PARAMETER)), changed
        )
    # Replaced copies no longer match; during a search they still contain the old value.
    rest = changed if what.new != what.old else _without_replaced(value, what)
    for form in _other_forms(rest, old):
        found.add(place, form, replaceable=False)
    return changed


def _without_replaced(value: str, what: Replacement) -> str:
    """Return a text without the copies that can be replaced."""
    blank = replace(what, new=Secret("", remembered=False))
    return _replaced_in(value, "", "", blank, _Found())


def _is_own_copy(name: str, what: Replacement) -> bool:
    if name.lower() in _NO_SECRET_NAMES:
        return False
    return len(what.old) >= _SHORTEST_VALUE or bool(_SECRET_NAME.search(name))


def _in_url(url: re.Match[str], what: Replacement, note: Callable[[], None]) -> str:
    user, colon, password = url["place"][:-1].partition(":")
    old = what.old.reveal()
    if what.identifier:
        if unquote(user) != old:
            return url[0]
        user = _as_url(what.new)
    elif colon and unquote(password) == old and _is_login(unquote(user), url["host"], what):
        password = _as_url(what.new)
    elif not colon and unquote(user) == old and len(old) >= _SHORTEST_VALUE:
        user = _as_url(what.new)  # a token instead of a user
    else:
        return url[0]
    note()
    return f"{url['scheme']}{user}{colon}{password}@{url['host']}"


def _is_login(user: str, host: str, what: Replacement) -> bool:
    same_user = not user or not what.user or user == what.user
    return same_user and _is_same_host(host, what.host)


def _is_same_host(host: str, known: str) -> bool:
    # Several hosts are separated by commas in connection URLs of PostgreSQL.
    named = {each.rpartition(":")[0] or each for each in host.lower().split(",")}
    known = known.lower()
    return not known or not host or known in named or bool(named & _HERE and known in _HERE)


def _is_same_login(text: str, what: Replacement) -> bool:
    """Return whether the login in a connection string is that of the secret."""
    if what.identifier:
        return True
    user, host = _USER.search(text), _SERVER.search(text) or _HOST.search(text)
    return _is_login(user[1] if user else "", host[1] if host else "", what)


def _in_parameter(
    one: re.Match[str], what: Replacement, in_url: bool, note: Callable[[], None]
) -> str:
    old, new = what.old.reveal(), what.new.reveal()
    if one["value"] != old and not (in_url and unquote_plus(one["value"]) == old):
        return one[0]
    new = _as_url(what.new) if in_url else new
    # A value with separators would end the parameter early, so it is only reported.
    if new and not _UNQUOTED.fullmatch(new):
        return one[0]
    note()
    return f"{one['name']}{one['quote']}{new}{one['quote']}"


def _as_url(value: Secret) -> str:
    return quote(value.reveal(), safe="")


def _other_forms(text: str, old: str) -> Iterator[CopyForm]:
    # A short value occurs in other texts by chance.
    if len(old) < _SHORTEST_PART:
        return
    if old in text:
        yield CopyForm.TEXT
    elif old in unquote(text) or old in unquote_plus(text):
        yield CopyForm.ENCODED
    if any(old.encode() in part for part in _decoded(text)):
        yield CopyForm.BASE64


def _decoded(text: str) -> Iterator[bytes]:
    for found in _BASE64.finditer(text):
        # Both alphabets of Base64 (RFC 4648), with or without padding.
        plain = found[0].rstrip("=").translate(str.maketrans("-_", "+/"))
        try:
            yield base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        except (binascii.Error, ValueError):
            continue


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def staged_copies(
    rotation: Rotation, old: Secret, staged_text: Secret, replacements: Sequence[Replacement]
) -> tuple[Facts, tuple[str, ...]]:
    """Return the updated facts about copies, and notes, after the new version was stored.

    Args:
        rotation: the rotation whose facts are updated.
        old: the old text of the secret.
        staged_text: the text of the new version.
        replacements: the rotated values.
    """
    left = tuple(dict.fromkeys(copy.place for copy in find(staged_text, replacements)))
    before = dict.fromkeys(copy.place for copy in find(old, replacements))
    done = tuple(place for place in before if place not in left)
    notes = [f"also replaced in {', '.join(done)}"] if done else []
    notes += [f"the old value remains in {', '.join(left)}"] if left else []
    return replace(rotation.facts, also_changed=done, still_old=left), tuple(notes)
