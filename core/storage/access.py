"""How a service of the contract gets its clients: handed in, or made from what the caller names."""

from __future__ import annotations

from dataclasses import replace

from core.aws.clients import ClientFactory
from core.local.connections import stored_connection
from core.model.connection import DEFAULT_REGION, Connection, KeySource, Profile


def clients_for(
    region_name: str | None = None,
    *,
    connection: Connection | None = None,
    clients: ClientFactory | None = None,
    endpoint_url: str | None = None,
    profile: str | Profile | None = None,
) -> ClientFactory:
    """Return the client factory of a service.

    The first that is given decides: `clients`, `connection`, `profile` (a stored profile by name,
    with its keys from the keyring, or a profile without stored keys). With none of them AWS's
    own chain does: variables, AWS's files, a role of this machine.

    Args:
        region_name: the region, where neither clients nor connection brings one.
        connection: a profile with its keys.
        clients: a factory to share.
        endpoint_url: a server other than AWS's; `AWS_ENDPOINT_URL` is honoured without it.
        profile: a stored profile's name, or a profile.

    Raises:
        NotFound: no profile of that name is stored.
        KeyringError: the profile's keys cannot be read.
    """
    if clients is not None:
        return clients
    if connection is None:
        connection = _connection(profile, region_name)
    if endpoint_url:
        connection = replace(
            connection, profile=replace(connection.profile, endpoint_url=endpoint_url)
        )
    return ClientFactory(connection)


def _connection(profile: str | Profile | None, region_name: str | None) -> Connection:
    if isinstance(profile, str):
        return stored_connection(profile)
    if profile is not None:
        return Connection(profile)
    return Connection(
        Profile("script", KeySource.ENVIRONMENT, region=region_name or DEFAULT_REGION)
    )
