"""Local files with invalid content are read as far as possible, without a traceback."""

import hashlib
import uuid

import pytest

from core import paths
from core.backup.verifications import verifications
from core.lifecycle.store import former_rules
from core.links.ledger import Ledger
from core.local import pending_uploads
from core.local.activity import ChangeLog
from core.local.profiles import ProfileStore
from core.local.settings import Settings
from core.local.used_actions import UsedActions
from core.rotation.journal import RotationJournal
from core.statistics.saved import load
from core.transfer import journal

RUBBISH = [
    b"",
    b"\n\n",
    b"\x00\xff\xfe",
    b"null\n",
    b"3\n",
    b'"text"\n',
    b"[1]\n",
    b"{}\n",
    b'{"format": 1, "version": 1, "profiles": [3, null, {"name": []}]}\n',
    b'{"format": 1e999, "when": "2026-13-01", "key": NaN}\n',
    b"[" * 100_000 + b"\n",
    b'{"a":' * 100_000 + b"\n",
    b"9" * 5000 + b"\n",
    b'{"half',
]
STATISTICS = hashlib.sha256(b"p\0b").hexdigest()[:32]
#: Where each file is, how it is read, and what is read from rubbish.
READERS = {
    "profiles": ("config", "profiles.json", lambda: ProfileStore().list(), ()),
    "settings": ("config", "settings.json", lambda: Settings().get("a"), None),
    "used actions": ("data", "used-actions.json", lambda: UsedActions().read("p"), ()),
    "ledger": ("data", "links.jsonl", lambda: Ledger().read().entries, ()),
    "log": ("data", "changes.jsonl", lambda: ChangeLog().read(), ()),
    "verifications": ("data", "verifications.jsonl", verifications, {}),
    "rotation": (
        "data",
        f"rotations/{uuid.UUID(int=1)}.rotation.json",
        lambda: RotationJournal().read(),
        (),
    ),
    "transfer": (
        "data",
        f"transfers/{uuid.UUID(int=1).hex}.transfer",
        journal.unfinished,
        (),
    ),
    "statistics": ("cache", f"statistics/{STATISTICS}.json", lambda: load("p", "b"), None),
    "former lifecycle rules": ("data", "lifecycle/b.json", lambda: former_rules("b"), ()),
    "uploads": (
        "data",
        "uploads/1.upload",
        lambda: [record for record in pending_uploads.of_dead_processes() if record.upload_id],
        [],
    ),
}


@pytest.mark.parametrize("what", READERS)
def test_rubbish_in_a_local_file_is_never_a_traceback(what, tmp_path, monkeypatch):
    folder, name, read, nothing = READERS[what]
    for number, content in enumerate(RUBBISH):
        monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / str(number)))
        root = getattr(paths, f"{folder}_dir")()
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        assert read() == nothing, content[:20]
