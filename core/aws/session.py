"""botocore sessions for every credential source. boto3's default session is never used.

Import this module lazily, because it imports botocore.
"""

from __future__ import annotations

import getpass
import gzip
import os
from collections.abc import Callable, Collection, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import DataNotFoundError
from botocore.loaders import JSONFileLoader, Loader, create_loader
from botocore.session import Session
from jiter import from_json

from core.aws.credential_errors import (
    mfa_device,
    missing_credentials,
    section_of,
    translate_credential_errors,
    translate_refresh_errors,
)
from core.aws.helper_programs import limit_helper_programs
from core.aws.logs import protect_logs, silence_http_client
from core.aws.unusable_settings import check_keys
from core.errors import CredentialsMissing, InvalidInput
from core.model.connection import Connection, KeySource
from core.units import as_utc

silence_http_client()

AskMfa = Callable[[str], str]

#: botocore's names of the providers of a machine's role.
_ROLE_METHODS = frozenset({"assume-role-with-web-identity", "container-role", "iam-role"})
#: A session that was opened with an MFA code cannot be renewed, so it is used until it expires.
_MFA_LAST_SECONDS = 15
#: Sessions with explicit keys ignore AWS_PROFILE and the AWS configuration files.
_NO_AWS_FILES = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


def session_for(connection: Connection, *, ask_mfa: AskMfa | None = None) -> Session:
    """Return a new botocore session with the credential source of a profile.

    Args:
        connection: the profile, with its keys if they are in the keyring or in memory.
        ask_mfa: called for the MFA code that the role of an AWS profile requires; without it such a
            profile raises an error instead of waiting for input on a terminal.

    Raises:
        CredentialsMissing: the connection has no keys although its source needs them.
        InvalidInput: the source is an AWS profile but none is set.
    """
    protect_logs()  # again, for loggers that were created after this package was imported
    with translate_credential_errors(connection.profile):
        return _session_for(connection, ask_mfa)


def _session_for(connection: Connection, ask_mfa: AskMfa | None) -> Session:
    opened = signed_in_already(connection)
    session = _key_session(connection) if opened else _base_session(connection)
    loader = _shared_loader(session.get_config_variable("data_path"))
    session.register_component("data_loader", loader)
    session.set_config_variable("region", connection.profile.region)
    # botocore's default is a single attempt, so one lost packet would mean that there is no role.
    session.set_config_variable("metadata_service_num_attempts", 2)
    if opened:
        return session
    limit_helper_programs(session)
    if connection.profile.source in {KeySource.AWS_PROFILE, KeySource.ENVIRONMENT}:
        _answer_mfa(session, ask_mfa)
    if connection.profile.source is KeySource.ROLE:
        _retain_providers(session, _ROLE_METHODS)
    if connection.profile.role_arn:
        _assume_role(session, connection)
    return session


@cache
def _shared_loader(data_path: str | None) -> Loader:
    """Return the shared loader of service models and endpoints."""
    loader = create_loader(data_path)
    loader.file_loader = _FileLoader()
    loader.list_available_services = partial(_Services, loader)
    return loader


class _Services(Collection[str]):
    """The services with one type of data, of which mostly a single one is requested.

    botocore searches the folders of all services, 4,000 files for each client, before it creates
    the client of one service.
    """

    def __init__(self, loader: Loader, type_name: str) -> None:
        self._loader, self._type = loader, type_name

    def __contains__(self, name: object) -> bool:
        try:
            return bool(self._loader.list_api_versions(name, self._type))
        except DataNotFoundError:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(Loader.list_available_services(self._loader, self._type))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _FileLoader(JSONFileLoader):  # type: ignore[misc]  # botocore has no types
    """Parses botocore's data in Rust.

    Python's parser needs 40 ms for the endpoints and S3's model, a tenth of a short command, and
    holds the interpreter lock, for which a window waits.
    """

    def load_file(self, file_path: str) -> Any:
        """Return the data of a file whose path has no suffix, or None if it does not exist."""
        path = Path(f"{file_path}.json")
        if path.is_file():
            return from_json(path.read_bytes())
        path = Path(f"{file_path}.json.gz")
        return from_json(gzip.decompress(path.read_bytes())) if path.is_file() else None


def addressing_style(session: Session) -> str:
    """Return the `addressing_style` of the session's AWS profile for S3, or an empty string.

    Raises:
        InvalidInput: the settings for S3 are not a list of settings.
    """
    section = session.get_scoped_config().get("s3") or {}
    if not isinstance(section, dict):
        raise InvalidInput(
            "The settings for S3 in AWS's configuration file cannot be used",
            cause="After `s3 =`, each setting must be in an indented line below it.",
            remedy="Correct the file in an editor, then try again.",
        )
    return str(section.get("addressing_style", ""))


def signed_in_already(connection: Connection) -> bool:
    """Return whether the connection contains the keys of a session that its source opened."""
    own = {KeySource.KEYRING, KeySource.SESSION}
    return connection.keys is not None and connection.profile.source not in own


def credentials_for(connection: Connection, session: Session) -> Any:
    """Return the session's botocore credentials (they refresh themselves).

    Raises:
        CredentialsMissing: the credential source of the profile has no keys.
        CredentialsExpired: a new sign-in is required.
    """
    profile = connection.profile
    with translate_credential_errors(profile):
        credentials = session.get_credentials()
    if credentials is None:
        raise missing_credentials(profile)
    check_keys(profile, credentials)
    # Only temporary credentials refresh; their errors would otherwise appear in any later request.
    refresh = getattr(credentials, "_refresh_using", None)
    if refresh is not None:
        if getattr(credentials, "_expiry_time", None) is not None:
            credentials._expiry_time = as_utc(credentials._expiry_time)  # noqa: SLF001 - no setter
        method = str(getattr(credentials, "method", ""))
        credentials._refresh_using = translate_refresh_errors(profile, refresh, method)  # noqa: SLF001 - no other hook
        if _needs_mfa(connection, session):
            credentials._mandatory_refresh_timeout = _MFA_LAST_SECONDS  # noqa: SLF001 - no setter
            credentials._advisory_refresh_timeout = _MFA_LAST_SECONDS  # noqa: SLF001 - no setter
    return credentials


def _needs_mfa(connection: Connection, session: Session) -> bool:
    profile = connection.profile
    if profile.role_arn or profile.source not in {KeySource.AWS_PROFILE, KeySource.ENVIRONMENT}:
        return False
    return bool(mfa_device(session.full_config, section_of(profile)))


def _base_session(connection: Connection) -> Session:
    profile = connection.profile
    if profile.source in {KeySource.KEYRING, KeySource.SESSION}:
        return _key_session(connection)
    if profile.source is KeySource.AWS_PROFILE:
        if not profile.aws_profile:
            raise InvalidInput(
                f"Profile {profile.name} has no AWS profile",
                remedy="Edit the profile and choose the AWS profile to use.",
                subject=profile.name,
            )
        return Session(profile=profile.aws_profile)
    return Session()


def _key_session(connection: Connection) -> Session:
    keys = connection.keys
    if keys is None:
        raise missing_credentials(connection.profile)
    # The keys are complete: a damaged file of AWS's must not prevent their use.
    session = Session(session_vars=_NO_AWS_FILES)
    token = keys.session_token.reveal() if keys.session_token else None
    session.set_credentials(keys.access_key_id, keys.secret_access_key.reveal(), token)
    return session


def _retain_providers(session: Session, methods: frozenset[str]) -> None:
    chain = session.get_component("credential_provider")
    retained = [provider for provider in chain.providers if provider.METHOD in methods]
    session.register_component("credential_provider", CredentialResolver(retained))


def _answer_mfa(session: Session, ask_mfa: AskMfa | None) -> None:
    """Replace botocore's prompt for MFA codes, which would hang without a terminal."""
    for provider in session.get_component("credential_provider").providers:
        if provider.METHOD == "assume-role":
            provider._prompter = ask_mfa or _no_mfa  # noqa: SLF001 - botocore has no setter


def _no_mfa(_prompt: str) -> str:
    raise CredentialsMissing(
        "The role requires an MFA code",
        cause="The AWS profile assumes a role that requires multi-factor authentication.",
        remedy="Use a profile that already has a session (for example by single sign-on), or run "
        "the command in a terminal.",
    )


class _Fixed:
    """Credential provider that always returns the same credentials."""

    METHOD = "assume-role"
    CANONICAL_NAME = None

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials

    def load(self) -> Any:
        """Return the credentials (botocore's provider protocol)."""
        return self._credentials


def _assume_role(session: Session, connection: Connection) -> None:
    """Add an assume-role step to the session's credentials, which are refreshed automatically."""
    source = credentials_for(connection, session)
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=_sts_creator(session, connection),
        source_credentials=source,
        role_arn=connection.profile.role_arn,
        # At most 64 characters (STS API reference, AssumeRole); CloudTrail shows the name.
        extra_args={"RoleSessionName": f"strongroom-{_user()}"[:64]},
    )
    assumed = DeferredRefreshableCredentials(
        refresh_using=fetcher.fetch_credentials, method="assume-role"
    )
    fixed = CredentialResolver([_Fixed(assumed)])
    session.register_component("credential_provider", fixed)
    session._credentials = None  # noqa: SLF001 - discard the credentials of the first step


def _sts_creator(session: Session, connection: Connection) -> Callable[..., Any]:
    from core.aws.endpoints import client_config, endpoint_for
    from core.aws.retries import install

    endpoint = endpoint_for(connection.profile, "sts")

    def create(service: str, **keys: Any) -> Any:
        config = client_config(endpoint)
        client = session.create_client(service, endpoint_url=endpoint, config=config, **keys)
        install(client, once=False)
        return client

    return create


def _user() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return "user"
    return "".join(char for char in name if char.isascii() and char.isalnum()) or "user"
