"""The command `policy`, which prints a least-privilege IAM policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import InvalidInput

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.health.policies import Role

_USED = "used"


def policy(
    context: typer.Context,
    role: Annotated[
        str,
        typer.Argument(
            help="reader, uploader, operator or admin; or `used` for the actions "
            "that the profile has used."
        ),
    ],
    prefix: Annotated[
        str, typer.Option(help="Only allow access below this prefix of the bucket.")
    ] = "",
    user: Annotated[
        str,
        typer.Option(
            help="The IAM user whose keys an admin may rotate; by default the user with the policy."
        ),
    ] = "",
) -> None:
    """Print an IAM policy with the permissions that a role needs on this bucket.

    The output is JSON for IAM. With `used` it allows the actions that the profile has used so far.
    """
    from core.health.policies import Role, Scope, policy_for, policy_of_use, text_of
    from core.local.used_actions import UsedActions

    cli: Cli = context.obj
    with cli.out.work("Opening") as work:
        profile = cli.opener.connection(work).profile
    scope = Scope(profile.bucket, prefix, user=user, region=profile.region)
    if role == _USED:
        used = UsedActions().read(profile.name)
        document = policy_of_use((one.action for one in used), scope)
    else:
        document = policy_for(_role(role, [each.value for each in Role]), scope)
    cli.out.result(document, lambda: cli.out.lines(text_of(document)))


def _role(name: str, known: list[str]) -> Role:
    from core.health.policies import Role

    if name not in known:
        raise InvalidInput(
            f"The role {name} does not exist",
            remedy=f"Choose {', '.join(known)}, or {_USED}.",
            subject=name,
        )
    return Role(name)
