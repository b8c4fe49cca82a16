from datetime import UTC, datetime, timedelta, timezone

import pytest

from core.units import format_age, format_count, format_duration, format_rate, format_size, iso_utc


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 KB"),
        (1900, "1.9 KB"),
        (12_400_000, "12.4 MB"),
        (999_600, "1 MB"),
        (214_000_000, "214 MB"),
        (5 * 1024**3, "5.37 GB"),
        (48_800_000_000_000, "48.8 TB"),
    ],
)
def test_sizes(size, text):
    assert format_size(size) == text


def test_counts_rates_and_durations():
    assert format_count(1234567) == "1,234,567"
    assert format_rate(12_400_000.7) == "12.4 MB/s"
    assert [format_duration(s) for s in (0.4, 59, 61, 7500, 90000)] == [
        "0.4 s", "59 s", "1 min 1 s", "2 h 5 min", "1 d 1 h",
    ]  # fmt: skip


def test_ages():
    now = datetime(2026, 1, 10, tzinfo=UTC)
    ages = [timedelta(seconds=12), timedelta(minutes=3), timedelta(hours=2), timedelta(days=1)]
    assert [format_age(now - a, now) for a in ages] == [
        "12 s ago", "3 min ago", "2 h ago", "1 day ago",
    ]  # fmt: skip
    assert format_age(now + timedelta(days=1), now) == "in the future"


def test_iso_utc_converts_aware_and_trusts_naive():
    assert iso_utc(datetime(2024, 1, 15, 10)) == "2024-01-15T10:00:00Z"  # noqa: DTZ001 - naive on purpose
    east = timezone(timedelta(hours=2))
    assert iso_utc(datetime(2024, 1, 15, 1, tzinfo=east)) == "2024-01-14T23:00:00Z"
    assert iso_utc(datetime(2024, 1, 15, 1, 0, 0, 5, tzinfo=UTC)) == "2024-01-15T01:00:00.000005Z"
