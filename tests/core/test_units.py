"""Sizes, counts, durations and times are formatted as specified."""

import time
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from core.units import (
    TimeStyle,
    file_moment,
    format_age,
    format_clock,
    format_cost,
    format_count,
    format_counted,
    format_date,
    format_date_range,
    format_duration,
    format_estimated_cost,
    format_minutes,
    format_moment,
    format_progress,
    format_range,
    format_rate,
    format_remaining,
    format_size,
    iso_utc,
    short_id,
    use_time_style,
    zone_name,
    zoned,
)

WINTER = datetime(2024, 1, 15, 10, tzinfo=UTC)
SUMMER = datetime(2024, 7, 1, 22, 30, 5, tzinfo=UTC)


@pytest.fixture
def zone(monkeypatch):
    """Return a function that puts the computer into a zone and shows local time."""

    def enter(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()
        use_time_style(TimeStyle.LOCAL)

    yield enter
    monkeypatch.undo()
    time.tzset()
    use_time_style(TimeStyle.UTC)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (11_000, "11.0 KB"),
        (11_240, "11.2 KB"),
        (999_950, "1.0 MB"),
        (999_960, "1.0 MB"),
        (1900, "1.9 KB"),
        (12_400_000, "12.4 MB"),
        (999_600, "999.6 KB"),
        (214_000_000, "214.0 MB"),
        (5 * 1024**3, "5.4 GB"),
        (48_800_000_000_000, "48.8 TB"),
    ],
)
def test_sizes(size, text):
    assert format_size(size) == text


def test_a_cost_below_a_cent_is_not_nothing():
    costs = [format_cost(dollars) for dollars in (0, 0.0004, 0.0099, 0.01, 1234.567)]
    small = "less than 0.01 USD"
    assert costs == ["0.00 USD", small, small, "0.01 USD", "1,234.57 USD"]
    estimates = [format_estimated_cost(dollars) for dollars in (0, 0.0004, 0.01)]
    assert estimates == ["0.00 USD", small, "about 0.01 USD"]


def test_counts_rates_and_durations():
    assert format_count(1234567) == "1,234,567"
    assert format_rate(12_400_000.7) == "12.4 MB/s"
    assert [format_duration(s) for s in (0.4, 59, 60, 61, 3600, 7500, 86400, 90000)] == [
        "0.4 s", "59 s", "1 min 0 s", "1 min 1 s", "1 h 0 min", "2 h 5 min", "1 d 0 h", "1 d 1 h",
    ]  # fmt: skip


def test_a_duration_without_seconds_has_minutes():
    assert [format_minutes(s) for s in (0, 42.5, 60, 3599.9, 3600, 7500, 93600)] == [
        "0 s", "42 s", "1 min", "59 min", "1 h 0 min", "2 h 5 min", "1 d 2 h",
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


def test_a_moment_has_one_form_and_names_its_zone():
    assert format_moment(WINTER) == "15 Jan 2024 10:00:00 UTC"
    assert format_moment(WINTER, zone=False) == "15 Jan 2024 10:00:00"
    assert zoned("Modified") == "Modified (UTC)"
    assert format_moment(datetime(2024, 1, 5, 10)) == "5 Jan 2024 10:00:00 UTC"  # noqa: DTZ001 - naive on purpose
    assert format_date(date(2024, 1, 5)) == "5 Jan 2024"
    assert format_clock(SUMMER, seconds=False) == "22:30"


def test_local_time_follows_the_zone_and_its_daylight_saving(zone):
    zone("Europe/Berlin")
    assert format_moment(WINTER) == "15 Jan 2024 11:00:00 UTC+1"
    assert format_moment(SUMMER) == "2 Jul 2024 00:30:05 UTC+2"
    assert zoned("Modified") == "Modified (local)"
    zone("Asia/Kolkata")
    assert (format_moment(WINTER), zone_name(WINTER)) == (
        "15 Jan 2024 15:30:00 UTC+5:30",
        "UTC+5:30",
    )
    zone("America/St_Johns")
    assert zone_name(WINTER) == "UTC-3:30"


def test_machines_get_iso_8601_in_utc_whatever_the_zone(zone):
    zone("Europe/Berlin")
    use_time_style(TimeStyle.ISO)
    moment = WINTER.replace(microsecond=5)
    assert format_moment(moment) == format_moment(moment, zone=False) == "2024-01-15T10:00:00Z"
    assert format_date(WINTER) == "2024-01-15"


def test_months_are_english_in_every_locale():
    names = [format_date(date(2024, month, 1)).split()[1] for month in range(1, 13)]
    assert " ".join(names) == "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"


def test_a_range_names_date_and_zone_once(zone):
    later = WINTER + timedelta(hours=2)
    assert format_range(WINTER, WINTER) == "15 Jan 2024 10:00:00 UTC"
    assert format_range(WINTER, later) == "15 Jan 2024 10:00:00 to 12:00:00 UTC"
    assert format_range(WINTER, WINTER + timedelta(days=1)) == (
        "15 Jan 2024 10:00:00 to 16 Jan 2024 10:00:00 UTC"
    )
    assert format_date_range(WINTER, later) == "15 Jan 2024"
    zone("Europe/Berlin")
    assert format_range(WINTER, SUMMER) == "15 Jan 2024 11:00:00 UTC+1 to 2 Jul 2024 00:30:05 UTC+2"


def test_remaining_time_counts_down_to_its_end():
    now = WINTER
    left = [timedelta(seconds=seconds) for seconds in (7500, 60, 9.6, 0)]
    assert [format_remaining(now + each, now) for each in left] == [
        "2 h 5 min", "1 min 0 s", "9 s", "ended",
    ]  # fmt: skip


def test_a_time_of_a_file_that_no_date_can_be_is_unknown():
    times = (0, -1.5, 400_000_000_000, -100_000_000_000, 1e300)
    assert [file_moment(seconds) for seconds in times] == [
        datetime(1970, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 58, 500_000, UTC),
        None, None, None,
    ]  # fmt: skip


def test_an_age_of_a_clock_slightly_ahead_is_not_in_the_future():
    assert format_age(WINTER + timedelta(seconds=3), WINTER) == "0 s ago"


def test_identifiers_are_short_in_lists():
    assert short_id("828d37e1-6a3c-4f0b-9d0e-0123456741c2") == "828d…41c2"
    assert short_id("3sL4kqtJlcpXroDTDmJrmSpXd3dIbrHY") == "3sL4…brHY"
    assert short_id("null") == "null"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 objects"), (1, "1 object"), (2000, "2,000 objects")]
)
def test_a_count_with_its_noun(count, text):
    assert format_counted(count, "object") == text


@pytest.mark.parametrize(
    ("done", "total", "unit", "text"),
    [
        (1_500_000, 1_500_000, "rows", "1,500,000 of 1,500,000 rows"),
        (1, 1, "rows", "1 of 1 row"),
        (1, None, "delete markers", "1 delete marker"),
        (3, 0, "objects", "3 objects"),
        (1_900_000, None, "bytes", "1.9 MB"),
        (1_000, 1_900_000, "bytes", "1.0 KB of 1.9 MB"),
    ],
)
def test_progress_names_its_unit(done, total, unit, text):
    assert format_progress(done, total, unit) == text
