"""Where a rotation takes place: its server, account and region, to which it is restricted.

Accounts and regions have secrets of the same name, since the data contract fixes the names.
"""

from __future__ import annotations

from core.errors import InvalidInput
from core.model.rotation import Rotation


def lock_name(rotation: Rotation) -> str:
    """Return the name of the lock of a secret; the regions of an account share it."""
    return f"{rotation.endpoint or 'aws'}/{rotation.account}/{rotation.secret}"


def same_secret(one: Rotation, other: Rotation) -> bool:
    """Return whether two rotations may be of the same secret."""
    regions = one.region == other.region or not (one.region and other.region)
    return regions and lock_name(one) == lock_name(other)


def check_location(rotation: Rotation, account: str, region: str) -> None:
    """Check that a rotation is continued in its account and region.

    Raises:
        InvalidInput: it belongs to another one.
    """
    if rotation.account != account:
        raise InvalidInput(
            f"The rotation of {rotation.secret} belongs to another account",
            cause=f"The rotation was started in account {rotation.account}; this profile is in "
            f"{account}.",
            remedy=f"Use profile {rotation.profile}.",
            subject=rotation.secret,
        )
    # The secret of the same name in another region is a different one: a step or an undo that
    # reads it could delete a key that is in use.
    if rotation.region not in {"", region}:
        raise InvalidInput(
            f"The rotation of {rotation.secret} belongs to another region",
            cause=f"The rotation was started in region {rotation.region}; this profile is in "
            f"{region}.",
            remedy=f"Use profile {rotation.profile} with that region.",
            subject=rotation.secret,
        )
