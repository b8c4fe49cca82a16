"""Names of the profiles in AWS's configuration files, which are read but never written."""

from __future__ import annotations

from core.aws.botocore_modules import import_botocore
from core.aws.faults import translated
from core.work import Work, default_work


def aws_profile_names(*, work: Work | None = None) -> tuple[str, ...]:
    """Return the names of the profiles in `~/.aws/config` and `~/.aws/credentials`.

    Raises:
        CredentialsMissing: a file exists but cannot be read.
    """
    import_botocore()
    from botocore.session import Session

    default_work(work).check()
    with translated("config:ListProfiles", "~/.aws/config"):
        return tuple(sorted(Session().available_profiles))
