"""A secret that is saved too often is reported before versions run out."""

from datetime import timedelta

import pytest

from core.aws.limits import SECRET_VERSIONS
from core.model.secrets import SecretVersion
from core.secrets.save_rate import rate_warning
from core.units import utc_now

NOW = utc_now()


def versions(count, minutes):
    """So many versions, made one after another, so many minutes apart; the newest just now."""
    return [
        SecretVersion(f"v{at}", created=NOW - timedelta(minutes=minutes * at))
        for at in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "minutes"), [(0, 0), (1, 0), (6, 1), (99, 60 * 24), (49, 10), (7, 10)]
)
def test_a_fine_pace_is_not_worth_a_word(count, minutes):
    assert rate_warning(versions(count, minutes), NOW) == ""


def test_more_than_one_save_every_ten_minutes_is_reported_with_the_advice():
    output = rate_warning(versions(7, 5), NOW)
    assert "7 times within an hour" in output
    assert "every 10 minutes" in output


def test_a_day_full_of_versions_is_reported_with_what_will_follow():
    output = rate_warning(versions(SECRET_VERSIONS // 2, 20), NOW)
    assert f"{SECRET_VERSIONS // 2} times within 24 hours" in output
    assert "refuse" in output


def test_versions_without_a_date_are_not_counted():
    assert rate_warning([SecretVersion("v")] * 200, NOW) == ""
