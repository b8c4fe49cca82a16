"""The link ledger lists links with their expiry, and survives corrupt entries and many threads."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.errors import LocalIOError
from core.links.ledger import Entry, Ledger
from core.links.make import Link
from core.links.render import as_csv, as_markdown, as_text
from core.local.state.database import state_database
from core.paths import data_dir
from core.redaction import Secret

MADE = datetime(2026, 1, 1, tzinfo=UTC)


def entry(key: str) -> Entry:
    return Entry("b", key, "GET", MADE, MADE + timedelta(hours=1), "me", "AKIAEXAMPLE")


def test_newest_first_and_expiry(tmp_path):
    ledger = Ledger(tmp_path)
    assert ledger.read().entries == ()
    ledger.append([entry("a"), entry("b")])
    ledger.append([entry("c")])
    page = ledger.read()
    assert [e.key for e in page.entries] == ["c", "b", "a"]
    assert page.entries[0] == entry("c")
    assert page.entries[0].alive(MADE)
    assert not page.entries[0].alive(MADE + timedelta(hours=2))


def test_the_version_of_a_link_is_stored(tmp_path):
    pinned = replace(entry("a"), version_id="v1")
    Ledger(tmp_path).append([entry("a"), pinned])
    assert Ledger(tmp_path).read().entries == (pinned, entry("a"))


def test_an_entry_that_cannot_be_read_loses_only_itself(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.append([entry("a"), entry("b"), entry("c")])
    state_database(tmp_path).execute("UPDATE links SET made = 'then' WHERE key = 'b'")
    page = ledger.read()
    assert [e.key for e in page.entries] == ["c", "a"]
    assert (page.broken, page.aside) == (1, None)


def test_threads_do_not_tear_each_other(tmp_path):
    ledger = Ledger(tmp_path)
    threads = [
        threading.Thread(target=ledger.append, args=([entry(f"{n}-{m}") for m in range(20)],))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    page = ledger.read()
    assert len(page.entries) == 160
    assert page.broken == 0


def test_a_ledger_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalIOError, match="could not be"):
        Ledger(tmp_path / "file" / "x").append([entry("a")])


def test_lines_of_an_earlier_and_of_a_later_version_are_imported():
    line = {
        "bucket": "b", "key": "a", "method": "GET", "made": "2026-01-01T00:00:00Z",
        "expires": "2026-01-01T01:00:00Z", "made_by": "me", "access_key_id": "AKIAEXAMPLE",
        "a_field_of_a_later_version": 1,
    }  # fmt: skip
    (data_dir() / "links.jsonl").write_text(json.dumps(line) + "\n")
    assert Ledger().read().entries == (entry("a"),)


def test_renderings():
    link = Link("=a[b]", "GET", Secret("https://h/b/a?X-Amz-Signature=s1"), 60, MADE)
    assert as_text([link, link]) == "https://h/b/a?X-Amz-Signature=s1\n" * 1 + link.url.reveal()
    assert as_markdown([link]) == (
        "- [=a\\[b\\]](<https://h/b/a?X-Amz-Signature=s1>) (GET, until 1 Jan 2026 00:00:00 UTC)"
    )
    rows = as_csv([link]).split("\r\n")
    assert rows[0] == "key,method,expires,url"
    assert rows[1].startswith("'=a[b],GET,")
    assert "s1" not in repr(link)
