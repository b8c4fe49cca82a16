"""Initial set-up: test keys on the bucket, store them in the secret, and read them back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any
from uuid import uuid4

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.aws.identity import identity
from core.effects import states_effect
from core.errors import AccessDenied, Corrupt, NotFound, NotSupported, StorageError
from core.model.connection import AccessKeys, Connection, KeySource
from core.objects.bucket import Bucket
from core.objects.check_objects import CHECK_BYTES, CHECK_PREFIX, recorded
from core.storage.aws_secrets_manager import SecretsManager
from core.storage.s3_keys import StorageKeys, storage_keys, storage_text
from core.units import format_counted
from core.work import Work, default_work

#: The titles of the steps in their order; those of the secret if it is stored.
TEST_STEPS = (
    "Identify the owner of the keys",
    "Find the bucket",
    "Upload a test object",
    "Read it back",
    "Delete it",
)
SECRET_STEPS = ("Store the secret", "Read the secret back")
_IDENTIFY, _FIND, _UPLOAD, _READ_BACK, _DELETE = TEST_STEPS
_STORE, _READ_SECRET = SECRET_STEPS


@dataclass(frozen=True, slots=True)
class SetupStep:
    """A reported step; `ok` is None while it runs and if it was skipped."""

    title: str
    ok: bool | None
    detail: str = ""
    running: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SetupReport:
    """Result of the set-up; `region` is the actual region of the bucket.

    `kept` is True if the secret contains other keys, which were not changed.
    """

    steps: tuple[SetupStep, ...]
    region: str
    stored: bool
    kept: bool = False


#: The operations that store keys in the platform's secret: the test object is removed again.
_STORING = ("CreateSecret", "UpdateSecret", "UpdateSecretVersionStage")


@states_effect("stored", _STORING)
def set_up(
    connection: Connection,
    *,
    keys: AccessKeys | None = None,
    store: bool = True,
    replace_keys: bool = False,
    work: Work | None = None,
) -> SetupReport:
    """Test keys on the profile's bucket, and store them in the profile's secret.

    Each step is reported through `work.batch` as a `SetupStep`, first running, then with its
    result. The test object is removed, even after a failure or a cancel.

    Args:
        connection: the connection to Secrets Manager; its profile has bucket, region and secret.
        keys: the platform's keys to test and store; None tests the keys of the connection.
        store: whether to write the secret; skipped if there are no static keys (SSO, roles).
        replace_keys: whether to replace other keys in the secret. The platform's programs read it,
            so personal keys must not be stored there by accident.
        work: cancel token, progress.

    Raises:
        StorageError: a step failed; the steps before it were reported.
    """
    setup = _Setup(connection, keys or connection.keys, default_work(work))
    return setup.run(store=store, replace_keys=replace_keys)


class _Setup:
    """One run of the set-up."""

    def __init__(self, connection: Connection, keys: AccessKeys | None, work: Work) -> None:
        self._profile = connection.profile
        self._keys = keys
        self._work = work
        self._admin = ClientFactory(connection)
        self._tested = self._admin
        if keys is not None and keys != connection.keys:
            profile = replace(connection.profile, source=KeySource.SESSION)
            # The platform's keys are tested; the secret is written with those of the connection.
            self._tested = ClientFactory(Connection(profile, keys, unlocked=connection.unlocked))
        self._secrets = SecretsManager(clients=self._admin)
        self._key = f"{CHECK_PREFIX}{uuid4().hex}.txt"
        self._steps: list[SetupStep] = []

    def run(self, *, store: bool, replace_keys: bool) -> SetupReport:
        """Run all steps, and always close the connections."""
        try:
            self._step(_IDENTIFY, self._identify)
            region = self._step(_FIND, self._find)
            self._test_object()
            outcome = ""
            if store and self._keys:
                outcome = self._store(region, replace_keys=replace_keys)
            stored = outcome in {"created", "updated"}
            return SetupReport(tuple(self._steps), region, stored, kept=outcome == "kept")
        finally:
            self._tested.close()
            self._admin.close()

    def _step(self, title: str, act: Callable[[], tuple[str, str]]) -> str:
        """Run one step; `act` returns its result and a description."""
        self._work.check()
        self._work.batch(SetupStep(title, None, running=True))
        began = monotonic()
        try:
            result, detail = act()
        except StorageError as error:
            self._report(SetupStep(title, ok=False, detail=error.summary), began)
            raise
        self._report(SetupStep(title, ok=True, detail=detail), began)
        return result

    def _report(self, step: SetupStep, began: float) -> None:
        step = replace(step, seconds=monotonic() - began)
        self._steps.append(step)
        self._work.batch(step)

    @property
    def _subject(self) -> str:
        return f"s3://{self._profile.bucket}/{self._key}"

    def _identify(self) -> tuple[str, str]:
        try:
            who = identity(self._tested, work=self._work)
        except NotSupported:  # an S3-only server; the next steps test the keys
            return "", "not supported by this server"
        return who.arn, f"{who.user} in account {who.account}"

    def _find(self) -> tuple[str, str]:
        # The bucket is the authority: a profile may name another region.
        region = self._tested.bucket_region(self._profile.bucket, work=self._work)
        if region == self._profile.region:
            return region, f"{self._profile.bucket} in {region}"
        detail = f"Bucket is in a different region: {region}. Its requests go there"
        return region, f"{detail}, those for secrets to {self._profile.region}."

    def _test_object(self) -> None:
        client = self._tested.for_bucket(self._profile.bucket)
        where = {"Bucket": self._profile.bucket, "Key": self._key}
        versions: list[str] = []

        def upload() -> tuple[str, str]:
            with translated("s3:PutObject", self._subject, self._work):
                answer = client.put_object(Body=CHECK_BYTES, **where)
            record.stored = True
            versions.append(str(answer.get("VersionId") or ""))
            return "", self._key

        def read_back() -> tuple[str, str]:
            with translated("s3:GetObject", self._subject, self._work):
                body = client.get_object(**where)["Body"].read()
            if body != CHECK_BYTES:
                raise Corrupt(
                    "The test object differs from what was uploaded",
                    cause="The bytes that were read differ from the written ones.",
                    remedy="Try again. If it happens again, check the network, the proxy and the "
                    "server.",
                    subject=self._subject,
                )
            return "", f"{format_counted(len(body), 'byte')}, equal"

        def delete() -> tuple[str, str]:
            with translated("s3:DeleteObject", self._subject, self._work):
                answer = client.delete_object(**where)
            record.removed = True
            versions.append(str(answer.get("VersionId") or ""))
            return "", self._versions_removed(client, [each for each in versions if each])

        bucket = Bucket(self._tested, self._profile.bucket)
        with recorded(bucket, self._key, self._work) as record:
            self._step(_UPLOAD, upload)
            try:
                self._step(_READ_BACK, read_back)
            finally:
                # In `finally`: the test object is removed also if reading it back fails.
                self._step_after_cancel(_DELETE, delete)

    def _versions_removed(self, client: Any, versions: Sequence[str]) -> str:
        """Remove the versions that a versioned bucket stores, if that is permitted."""
        try:
            for version in reversed(versions):
                with translated("s3:DeleteObjectVersion", self._subject, self._work):
                    client.delete_object(
                        Bucket=self._profile.bucket, Key=self._key, VersionId=version
                    )
        except AccessDenied:
            return "removed; the bucket still stores its hidden versions"
        return "removed"

    def _step_after_cancel(self, title: str, act: Callable[[], tuple[str, str]]) -> None:
        """Run a clean-up step, also after a cancel, so that no test object remains."""
        work, self._work = self._work, Work(batch=self._work.batch)
        try:
            self._step(title, act)
        finally:
            self._work = work

    def _store(self, region: str, *, replace_keys: bool) -> str:
        assert self._keys is not None
        wanted = StorageKeys(self._keys, self._profile.bucket, region)
        outcome = self._step(_STORE, lambda: self._written(wanted, replace_keys=replace_keys))
        if outcome != "kept":
            self._step(_READ_SECRET, lambda: self._read_back(wanted))
        return outcome

    def _written(self, wanted: StorageKeys, *, replace_keys: bool) -> tuple[str, str]:
        name = self._profile.secret_name
        try:
            found = self._secrets.read(name, work=self._work)
        except NotFound:
            text = storage_text(wanted)
            self._secrets.create_secret(name, text, "S3 access of the platform", work=self._work)
            # A mistyped region otherwise shows nowhere: the platform's programs read another one.
            elsewhere = wanted.region != self._profile.region
            place = f" in {self._profile.region}" if elsewhere else ""
            return "created", f"{name} created{place}"
        before = found.text.reveal()
        text = storage_text(wanted, before)
        if text == before:
            return "unchanged", f"{name} already contains these keys"
        if not replace_keys:
            return "kept", f"{name} contains other keys and was not changed"
        # Conditional, so that keys which another client stores at this moment are not overwritten.
        self._secrets.save(name, text, expected_version=found.version_id, work=self._work)
        return "updated", f"{name} updated; the earlier value is stored as AWSPREVIOUS"

    def _read_back(self, wanted: StorageKeys) -> tuple[str, str]:
        found = storage_keys(self._secrets, self._profile.secret_name, work=self._work)
        if found != wanted:
            raise Corrupt(
                "The secret differs from what was stored",
                cause="Another client may have changed it at the same time.",
                remedy="Check the versions of the secret, and run the set-up again.",
                subject=self._profile.secret_name,
            )
        return "", "equal"
