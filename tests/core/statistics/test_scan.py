"""A scan returns complete totals or an error, never partial totals."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from helpers.moto_bucket import moto_bucket

from core.errors import NotAnS3Answer, Offline, StorageError
from core.local.state.database import state_database
from core.local.state.statistics_parts import encode, replace_parts
from core.objects import listing, page_requests
from core.objects.key_ranges import KeyRange
from core.statistics import scan as module
from core.statistics.saved import load, save
from core.statistics.scan import scan
from core.statistics.totals import Totals
from core.work import Work


class Space:
    def __init__(self, bucket):
        self.bucket = bucket


@pytest.fixture
def filled():
    with moto_bucket() as bucket:
        for number in range(40):
            key = f"folder{number % 4}/{number:03}"
            bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"x" * number)
        yield Space(bucket)


def test_a_complete_scan_counts_everything_and_is_stored(filled):
    found = scan(filled, Work())
    assert (found.objects, found.size, found.partial) == (40, sum(range(40)), False)
    save("p", found)
    assert load("p", filled.bucket.name) == found
    assert load("other", filled.bucket.name) is None


@pytest.mark.parametrize("which", [1, 2, 3, 5])
@pytest.mark.parametrize("error", [Offline("gone"), NotAnS3Answer("cut")])
def test_a_scan_that_breaks_off_is_an_error_whichever_page_is_missing(
    filled, monkeypatch, which, error
):
    asked, real = [], listing.page_of

    def page_of(*arguments, **named):
        asked.append(arguments)
        if len(asked) == which:
            raise error
        return real(*arguments, size=7, **named)

    monkeypatch.setattr(listing, "page_of", page_of)
    monkeypatch.setattr(page_requests.DirectPages, "of", lambda *_: None)
    with pytest.raises(StorageError) as caught:
        scan(filled, Work())
    assert caught.value is error


class Helper:
    """A second process in this one; `fails` is where."""

    def __init__(self, space, fails=""):
        self.space, self.fails, self.counted = space, fails, []

    def start(self):
        if self.fails == "start":
            raise Offline("cannot start")

    def count(self, part, depth):
        if self.fails == "count":
            raise Offline(f"{part.prefix} is out of reach")
        self.counted.append(part.prefix)
        return module.count(
            self.space, Work(), prefix=part.prefix, after=part.after, until=part.until, depth=depth
        )


@pytest.fixture
def helped(monkeypatch):
    """Scans in which help is wanted from the first page on, and pages are small."""
    real = listing.page_of
    monkeypatch.setattr(listing, "page_of", lambda *given, **named: real(*given, size=3, **named))
    monkeypatch.setattr(page_requests.DirectPages, "of", lambda *_: None)
    monkeypatch.setattr(module, "_PAGES_IF_UNKNOWN", 0)
    monkeypatch.setattr(module.Listing, "computing", True)


def test_a_helper_that_fails_while_it_counts_fails_the_scan(filled, helped, monkeypatch):
    monkeypatch.setattr(module.Listing, "take", lambda _listing: KeyRange("folder0/"))
    with pytest.raises(Offline, match="out of reach"):
        scan(filled, Work(), helper=Helper(filled, "count"))


def test_a_helper_that_does_not_start_has_taken_nothing(filled, helped):
    helped_scan = scan(filled, Work(), helper=Helper(filled, "start"))
    assert helped_scan.objects == scan(filled, Work()).objects


def test_a_scan_with_help_counts_what_one_process_counts(filled, helped):
    helper = Helper(filled)
    found, alone = scan(filled, Work(), helper=helper), scan(filled, Work())
    for group in ("objects", "size", "folders", "tops", "classes", "sizes", "largest", "details"):
        assert getattr(found, group) == getattr(alone, group), group


def test_an_empty_range_prepares_a_helper_without_a_listing(filled):
    totals, calls = module.count(filled, Work(), prefix="", until="")
    assert (totals.objects, calls) == (0, 0)
    totals, _ = module.count(filled, Work(), prefix="", after="folder0/020", until="folder2/002")
    assert totals.objects == 4 + 10 + 1


def test_a_part_is_neither_stored_nor_read_back(filled):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    part = Totals("b", "").snapshot(list_calls=1, partial=True)
    with pytest.raises(ValueError, match="part"):
        save("p", part)
    complete = replace(part, partial=False, started=now, finished=now)
    save("p", complete)
    assert load("p", "b") == complete
    parts = encode(replace(complete, partial=True))
    with state_database().transaction() as connection:
        replace_parts(connection, "p", "b", parts)
    assert load("p", "b") is None
