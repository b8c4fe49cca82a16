"""Warning about a secret that is saved too often: AWS stores a limited number of versions.

From the Secrets Manager user guide (`reference_limits`): a secret has about 100 versions, those of
the last 24 hours are never removed, and saving more often than once every 10 minutes for a long
time creates versions faster than they are removed, until a save is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from core.aws.limits import SECRET_SAVE_SECONDS, SECRET_VERSIONS
from core.model.secrets import SecretVersion

DAY = timedelta(hours=24)
#: Saves within an hour that exceed the rate of one every ten minutes.
_HOURLY = 3600 // SECRET_SAVE_SECONDS


def rate_warning(versions: Iterable[SecretVersion], now: datetime) -> str:
    """Return a warning before the next save, or an empty string if the rate is acceptable."""
    ages = [now - version.created for version in versions if version.created is not None]
    lately = sum(age < DAY for age in ages)
    # Half of the limit leaves time to react before AWS refuses a save.
    if lately >= SECRET_VERSIONS // 2:
        return (
            f"The secret was saved {lately} times within 24 hours. AWS stores about "
            f"{SECRET_VERSIONS} versions and removes none that is younger than a day: it will "
            "soon refuse to save."
        )
    hour = sum(age < timedelta(hours=1) for age in ages)
    if hour > _HOURLY:
        return (
            f"The secret was saved {hour} times within an hour. AWS recommends at most one save "
            "every 10 minutes, because each version is stored for at least a day."
        )
    return ""
