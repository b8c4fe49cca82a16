"""How often a secret is saved: AWS keeps every version of the last 24 hours, and has room for few.

From the Secrets Manager user guide (`reference_limits`): a secret holds about 100 versions, those
made within the last 24 hours are never removed, and saving at a sustained rate of more than once
every 10 minutes makes versions faster than they are removed, until the next save is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from core.aws.limits import SECRET_SAVE_SECONDS, SECRET_VERSIONS
from core.model.secrets import SecretVersion

DAY = timedelta(hours=24)
#: Saves within an hour that are more than one every ten minutes.
_HOURLY = 3600 // SECRET_SAVE_SECONDS


def pace_warning(versions: Iterable[SecretVersion], now: datetime) -> str:
    """Return what to tell before one more save; nothing while the pace is fine."""
    ages = [now - version.created for version in versions if version.created is not None]
    lately = sum(age < DAY for age in ages)
    if lately >= SECRET_VERSIONS // 2:
        return (
            f"It was saved {lately} times within 24 hours. AWS keeps about {SECRET_VERSIONS} "
            "versions and removes none that is younger than a day: soon it will refuse a save."
        )
    hour = sum(age < timedelta(hours=1) for age in ages)
    if hour > _HOURLY:
        return (
            f"It was saved {hour} times within an hour. AWS asks for no more than one save "
            "every 10 minutes in the long run: each one leaves a version behind for a day."
        )
    return ""
