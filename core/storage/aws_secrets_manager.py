"""Secrets Manager: the contract's `SecretsManager`, with the typed methods of the window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.aws.limits import RECOVERY_DAYS_DEFAULT, RECOVERY_DAYS_MAX, RECOVERY_DAYS_MIN
from core.aws.secret_faults import NoSecretValue
from core.effects import states_effect
from core.errors import AccessDenied, AlreadyExists, InvalidInput, NotFound
from core.model.connection import DEFAULT_REGION, SECRET_PREFIX, Connection, Profile
from core.model.secret_names import CURRENT
from core.model.secrets import SecretDeletion, SecretInfo, SecretValue, SecretVersion, SecretWritten
from core.redaction import Secret
from core.secrets import saving, secret_text
from core.secrets.answers import info_of, moment_of, newest_first, value_of, version_of
from core.storage.access import OfOneProcess, clients_for
from core.storage.script_values import ListedSecret
from core.units import format_counted
from core.work import Work, default_work


class SecretsManager(OfOneProcess):
    """The secrets of one account and region.

    The methods of the contract only need GetSecretValue, CreateSecret, UpdateSecret and
    ListSecrets; other methods raise AccessDenied with the missing action.
    """

    def __init__(
        self,
        region_name: str = DEFAULT_REGION,
        *,
        connection: Connection | None = None,
        clients: ClientFactory | None = None,
        endpoint_url: str | None = None,
        profile: str | Profile | None = None,
    ) -> None:
        self._clients = clients_for(
            region_name,
            connection=connection,
            clients=clients,
            endpoint_url=endpoint_url,
            profile=profile,
        )

    @property
    def clients(self) -> ClientFactory:
        """The client factory."""
        return self._clients

    def client(self) -> Any:
        """Return botocore's client, for the modules of this package."""
        return self._clients.secrets()

    # Methods of the data contract.

    def get_secret(self, secret_name: str, *, work: Work | None = None) -> dict[str, Any]:
        """Return the current value as a dictionary.

        Raises:
            NotFound: the secret does not exist.
            Corrupt: its value is binary, or not a JSON object.
            StorageError: reading it was denied or failed.
        """
        value = self.read(secret_name, work=work)
        secret_text.check_is_text(value)
        return secret_text.parsed(secret_name, value.text.reveal())

    @states_effect("created")
    def create_secret(
        self,
        secret_name: str,
        secret_value: Mapping[str, Any] | str | bytes,
        description: str | None = None,
        *,
        update_existing: bool = False,
        work: Work | None = None,
    ) -> SecretWritten:
        """Create a secret from a mapping (stored as JSON), a text, or bytes (a binary value).

        Args:
            secret_name: the secret.
            secret_value: its value.
            description: shown in lists of secrets.
            update_existing: whether to replace value and description of an existing secret.
            work: cancel token.

        Raises:
            AlreadyExists: the secret exists and `update_existing` is False.
            ScheduledForDeletion: a secret with that name is scheduled for deletion.
            InvalidInput: the value is empty or too large.
        """
        arguments = {
            "Name": _checked_name(secret_name),
            **secret_text.stored_form(secret_value),
            # Makes a repeated request of the retry policy the same request: it creates no second
            # version.
            "ClientRequestToken": str(uuid4()),
        }
        if description:
            arguments["Description"] = description
        work = default_work(work)
        work.check()
        try:
            with translated("secretsmanager:CreateSecret", secret_name, work):
                answer = self.client().create_secret(**arguments)
        except AlreadyExists as error:
            if not update_existing:
                raise _already_exists(secret_name, error) from None
            value = secret_text.stored_form(secret_value)
            return saving.update(self, secret_name, value, work, description=description)
        return saving.written(secret_name, answer)

    @states_effect("saved")
    def update_secret(
        self,
        secret_name: str,
        secret_value: Mapping[str, Any] | str,
        *,
        work: Work | None = None,
    ) -> SecretWritten:
        """Replace the current value unconditionally; see `save` for a conditional replacement.

        Raises:
            NotFound: the secret does not exist.
            InvalidInput: the value is empty or too large.
        """
        value = secret_text.stored_form(secret_value)
        return saving.update(self, secret_name, value, default_work(work))

    @states_effect("deleted")
    def delete_secret(
        self,
        secret_name: str,
        force_delete: bool = False,
        *,
        recovery_days: int = RECOVERY_DAYS_DEFAULT,
        work: Work | None = None,
    ) -> SecretDeletion:
        """Schedule the deletion of a secret, which can be restored for `recovery_days` days.

        Args:
            secret_name: the secret.
            force_delete: delete permanently at once.
            recovery_days: 7 to 30.
            work: cancel token.

        Raises:
            InvalidInput: `recovery_days` is not between 7 and 30.
            NotFound: the secret does not exist.
        """
        if not RECOVERY_DAYS_MIN <= recovery_days <= RECOVERY_DAYS_MAX:
            raise InvalidInput(
                f"A recovery window of {format_counted(recovery_days, 'day')} is not valid",
                remedy=f"Choose {RECOVERY_DAYS_MIN} to {RECOVERY_DAYS_MAX} days.",
                subject=secret_name,
            )
        # AWS refuses a request with both arguments.
        how: dict[str, Any] = {"RecoveryWindowInDays": recovery_days}
        if force_delete:
            how = {"ForceDeleteWithoutRecovery": True}
        default_work(work).check()
        with translated("secretsmanager:DeleteSecret", secret_name, work):
            answer = self.client().delete_secret(SecretId=secret_name, **how)
        return SecretDeletion(
            secret_name, str(answer.get("ARN", "")), moment_of(answer.get("DeletionDate"))
        )

    def list_secrets(
        self, name_filter: str | None = None, *, work: Work | None = None
    ) -> list[ListedSecret]:
        """Return all secrets whose names start with `name_filter`, sorted by name.

        Each is a dict with AWS's fields (`Name`, `ARN`, ...) and Strongroom's (`name`, `arn`, ...),
        which are also attributes.
        """
        entries = self._entries(name_filter or "", default_work(work), planned=False)
        listed = [ListedSecret(entry, info_of(entry)) for entry in entries]
        return sorted(listed, key=lambda secret: str(secret["name"]))

    # Typed methods for the window and the command line.

    def list_infos(
        self,
        prefix: str = SECRET_PREFIX,
        *,
        planned_deletion: bool = True,
        work: Work | None = None,
    ) -> tuple[SecretInfo, ...]:
        """Return every secret whose name starts with a prefix; AWS's list may lag by minutes."""
        entries = self._entries(prefix, default_work(work), planned=planned_deletion)
        return tuple(sorted(map(info_of, entries), key=lambda info: info.name))

    def describe(self, name: str, *, work: Work | None = None) -> SecretInfo:
        """Return the properties of a secret, from the listing if DescribeSecret is denied.

        Raises:
            NotFound: the secret does not exist.
            AccessDenied: both requests are denied.
        """
        work = default_work(work)
        work.check()
        try:
            with translated("secretsmanager:DescribeSecret", name, work):
                return info_of(self.client().describe_secret(SecretId=name))
        except AccessDenied:
            # A policy may allow listing but not describing; the prefix also returns longer names.
            for info in self.list_infos(name, work=work):
                if info.name == name:
                    return info
            raise

    def read(
        self,
        name: str,
        *,
        version_id: str | None = None,
        stage: str | None = None,
        work: Work | None = None,
    ) -> SecretValue:
        """Return the value of a version, by default the current one.

        Raises:
            NotFound: the secret or the version does not exist; NoSecretValue if it has no value.
            ScheduledForDeletion: the secret is scheduled for deletion.
        """
        which = {
            "VersionId": version_id,
            "VersionStage": stage or (None if version_id else CURRENT),
        }
        default_work(work).check()
        with translated("secretsmanager:GetSecretValue", name, work):
            answer = self.client().get_secret_value(
                SecretId=name, **{key: value for key, value in which.items() if value}
            )
        return value_of(name, answer)

    @states_effect("saved", saving.DECISIVE)
    def save(
        self,
        name: str,
        value: str | Secret | bytes,
        *,
        expected_version: str,
        replace_binary: bool = False,
        work: Work | None = None,
    ) -> SecretWritten:
        """Replace the current value, unless another client has changed it.

        Args:
            name: the secret.
            value: a text, or bytes, which are stored as a binary value.
            expected_version: the id of the version that is being replaced; empty for a secret
                without a value.
            replace_binary: whether a text may replace a binary value.
            work: cancel token.

        Raises:
            Conflict: the current version is no longer `expected_version`.
            InvalidInput: the value is empty or too large, or a text would replace a binary value.
        """
        form = secret_text.stored_form(value.reveal() if isinstance(value, Secret) else value)
        work = default_work(work)
        return saving.swap(self, name, form, expected_version, work, replace_binary=replace_binary)

    def list_versions(self, name: str, *, work: Work | None = None) -> tuple[SecretVersion, ...]:
        """Return the versions that AWS still stores, newest first.

        Raises:
            AccessDenied: `secretsmanager:ListSecretVersionIds` is missing.
        """
        versions: list[SecretVersion] = []
        for page in self._pages(
            "secretsmanager:ListSecretVersionIds",
            name,
            # Deprecated versions are those without a stage.
            {"SecretId": name, "IncludeDeprecated": True},
            default_work(work),
        ):
            versions.extend(version_of(entry) for entry in page.get("Versions", ()))
        return tuple(sorted(versions, key=newest_first))

    @states_effect("changed")
    def make_current(
        self, name: str, version_id: str, *, expected_version: str, work: Work | None = None
    ) -> SecretWritten:
        """Roll back or forward: move AWSCURRENT to another version.

        Raises:
            Conflict: another client has moved AWSCURRENT.
            AccessDenied: `secretsmanager:UpdateSecretVersionStage` is missing.
        """
        saving.move_current(self, name, version_id, expected_version, default_work(work))
        return SecretWritten(name, version_id=version_id)

    @states_effect("restored")
    def restore_secret(self, name: str, *, work: Work | None = None) -> SecretWritten:
        """Cancel a scheduled deletion.

        Raises:
            NotFound: the secret was permanently deleted.
            AccessDenied: `secretsmanager:RestoreSecret` is missing.
        """
        default_work(work).check()
        with translated("secretsmanager:RestoreSecret", name, work):
            answer = self.client().restore_secret(SecretId=name)
        return saving.written(name, answer)

    @states_effect("changed")
    def tag(self, name: str, key: str, value: str, *, work: Work | None = None) -> None:
        """Set a tag of a secret; tags are readable by everyone who can list secrets.

        Raises:
            AccessDenied: `secretsmanager:TagResource` is missing.
        """
        default_work(work).check()
        with translated("secretsmanager:TagResource", name, work):
            self.client().tag_resource(SecretId=name, Tags=[{"Key": key, "Value": value}])

    @states_effect("changed")
    def untag(self, name: str, key: str, *, work: Work | None = None) -> None:
        """Remove a tag of a secret; a missing tag is not an error.

        Raises:
            AccessDenied: `secretsmanager:UntagResource` is missing.
        """
        default_work(work).check()
        with translated("secretsmanager:UntagResource", name, work):
            self.client().untag_resource(SecretId=name, TagKeys=[key])

    def exists(self, name: str, *, work: Work | None = None) -> bool:
        """Return whether a secret exists; a denied request raises an error."""
        try:
            self.read(name, work=work)
        except NoSecretValue:
            return True
        except NotFound:
            return False
        return True

    def _entries(self, prefix: str, work: Work, *, planned: bool) -> Iterator[dict[str, Any]]:
        # 100 is the maximum of ListSecrets.
        arguments: dict[str, Any] = {"MaxResults": 100, "IncludePlannedDeletion": planned}
        if prefix:
            arguments["Filters"] = [{"Key": "name", "Values": [prefix]}]
        for page in self._pages("secretsmanager:ListSecrets", prefix + "*", arguments, work):
            for entry in page.get("SecretList", ()):
                # Unlike AWS, some servers do not compare the beginning of the name.
                if str(entry.get("Name", "")).startswith(prefix):
                    yield entry

    def _pages(
        self, operation: str, subject: str, arguments: dict[str, Any], work: Work
    ) -> Iterator[dict[str, Any]]:
        call = {
            "secretsmanager:ListSecrets": "list_secrets",
            "secretsmanager:ListSecretVersionIds": "list_secret_version_ids",
        }[operation]
        token = ""
        while True:
            work.check()
            more = {"NextToken": token} if token else {}
            with translated(operation, subject, work):
                page = getattr(self.client(), call)(**arguments, **more)
            yield page
            # A page may be empty and still have a token, so only a missing token ends the list.
            token = page.get("NextToken", "")
            if not token:
                return


def _already_exists(name: str, error: AlreadyExists) -> AlreadyExists:
    return AlreadyExists(
        f"Secret {name} already exists",
        cause="create_secret only creates new secrets; the value was not changed.",
        remedy=(
            f"Change the existing secret: update_secret({name!r}, ...) in a script, or "
            "create_secret with update_existing=True."
        ),
        subject=name,
        details=error.details,
    )


def _checked_name(name: str) -> str:
    if not name.strip("/") or name != name.strip():
        raise InvalidInput(
            "A secret must have a name",
            cause="The name is empty, or starts or ends with a space.",
            remedy=f"Choose a name such as {SECRET_PREFIX}exchange-keys.",
        )
    return name
