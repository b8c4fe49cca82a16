"""Clients of the contract's services, created from the arguments of the caller."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

from core.aws.clients import ClientFactory
from core.local.connections import stored_connection
from core.model.connection import DEFAULT_REGION, Connection, KeySource, Profile


class OfOneProcess:
    """A service with keys and open connections, which its threads share, but not other processes."""

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be pickled: create one in each process")


def clients_for(
    region_name: str | None = None,
    *,
    connection: Connection | None = None,
    clients: ClientFactory | None = None,
    endpoint_url: str | None = None,
    profile: str | Profile | None = None,
) -> ClientFactory:
    """Return the client factory of a service.

    The first argument that is set is used: `clients`, `connection`, `profile` (the name of a stored
    profile with keys in the keyring, or a profile without stored keys). Without any of them AWS's
    default chain is used: variables, AWS's files, a role of this machine.

    Args:
        region_name: the region, unless `clients` or `connection` define it.
        connection: a profile with its keys.
        clients: a shared client factory.
        endpoint_url: the URL of a server other than AWS; by default `AWS_ENDPOINT_URL`.
        profile: the name of a stored profile, or a profile.

    Raises:
        NotFound: there is no stored profile with that name.
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
