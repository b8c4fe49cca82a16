"""Manifests that an attacker who can write into the bucket changes, with a matching hash."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from helpers.backups import MemoryStore
from hypothesis import strategies as st

from core.backup import manifest as manifests
from core.backup.listing import backups_in
from core.model.backup import Backup
from core.work import Work

#: Texts that a careless program would execute, with each way to end what precedes them.
_STATEMENTS = ("DROP TABLE users", "UPDATE users SET name = 'x'", "CREATE TABLE evil (a int)")
PAYLOADS = (
    *(
    before + statement + after
    for before in ("; ", "); ", "'; ", '"; ', "`; ", "1); ", "x'); ", "\n;", "*/; ", "$$; ", "\\'; ")
    for statement in _STATEMENTS
    for after in ("; --", "", "; /*", "; SELECT ('", ' "', " #", "\0")
    ),
    "(SELECT name FROM users)", "users", "pg_sleep(9)", "load_extension('x')", "sleep(9)",
    "load_file('/etc/passwd')", "'||(DELETE FROM users)||'", "\\! touch evil", "../../evil", "",
    "CHECK (pg_read_file('/etc/passwd') <> '')", "int REFERENCES users ON DELETE CASCADE", "\ud800",
    "DATA DIRECTORY='/tmp'", "%s", "{}", "a" * 300, "-1", "1 /* x */", "1 -- x",
)  # fmt: skip


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of all texts and of all lists of a JSON value."""
    if isinstance(value, str | list) or value is None:
        yield path
    if isinstance(value, dict):
        children: Iterator[tuple[Any, Any]] = iter(value.items())
    else:
        children = enumerate(value if isinstance(value, list) else ())
    for key, child in children:
        yield from _leaves(child, (*path, key))


@st.composite
def forgeries(draw: st.DrawFn) -> tuple[int, str, bool]:
    """A number that chooses a field, the text that replaces it, and whether it is appended."""
    return draw(st.integers(0, 10**6)), draw(st.sampled_from(PAYLOADS)), draw(st.booleans())


def forged(store: MemoryStore, backup: Backup, forgery: tuple[int, str, bool]) -> Backup:
    """Change one field of the schema in a backup's manifest; return its entry in the list."""
    number, payload, append = forgery
    body = json.loads(store.objects[backup.key])
    paths = [path for path in _leaves(body["schema"]) if path]
    *above, last = paths[number % len(paths)]
    place = body["schema"]
    for key in above:
        place = place[key]
    old = place[last]
    if isinstance(old, list):
        place[last] = [*old, copy.deepcopy(old[-1]) if old and append else payload]
    else:
        place[last] = f"{old or ''}{payload}" if append else payload
    body["sha256"] = manifests._own_hash(body)
    store.objects[backup.key] = json.dumps(body).encode()
    (listed,) = backups_in(store, None, Work())
    return listed
