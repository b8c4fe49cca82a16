"""Search for leftovers of interrupted rotations and for forgotten access keys.

AWS does not clean up: after an interrupted rotation AWSPENDING remains, sometimes on an empty
version, and every later rotation fails (API reference, RotateSecret and CancelRotateSecret).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from core.aws.clients import ClientFactory
from core.doctor import findings
from core.doctor.findings import PendingVersion
from core.doctor.takeover import PendingAccepted, pending_accepted
from core.errors import Conflict, Corrupt, CredentialsInvalid, NotFound, StorageError
from core.model.connection import SECRET_PREFIX
from core.model.doctor import Diagnosis, Finding, FindingKind
from core.model.secret_names import CURRENT, PENDING
from core.model.secrets import SecretInfo
from core.redaction import Secret
from core.rotation import iam_keys, stages
from core.rotation.iam_keys import KeyInfo
from core.rotation.iam_secret import StorageSecret, read_secret
from core.rotation.key_proof import owner_of_keys
from core.rotation.service import Rotator
from core.storage.aws_secrets_manager import SecretsManager
from core.units import utc_now
from core.work import Progress, Work, default_work


@dataclass(slots=True)
class _Inspection:
    """The versions of a secret with stages, and their access keys."""

    info: SecretInfo
    now: stages.Stages
    texts: dict[str, Secret] = field(default_factory=dict)

    @property
    def keys(self) -> dict[str, StorageSecret]:
        """Return the access keys in the versions with stages, by version id."""
        found = {}
        for version, text in self.texts.items():
            try:
                found[version] = read_secret(self.info.name, text)
            except Corrupt:  # no access key, but for example a login
                continue
        return found


class Doctor:
    """Examination of the secrets below a prefix and of their access keys."""

    def __init__(self, clients: ClientFactory, rotator: Rotator | None = None) -> None:
        self._clients = clients
        self._rotator = rotator or Rotator(clients)
        self._secrets = SecretsManager(clients=clients)

    def examine(self, prefix: str = SECRET_PREFIX, *, work: Work | None = None) -> Diagnosis:
        """Examine all secrets, without changes.

        Raises:
            StorageError: the secrets cannot be listed.
        """
        work = default_work(work)
        infos = self._secrets.list_infos(prefix, work=work)
        found: list[Finding] = []
        unseen: list[str] = []
        for number, info in enumerate(infos):
            work.report(Progress(number, len(infos), "secrets", info.name))
            try:
                found.extend(self._of(info, work))
            except (Conflict, Corrupt, NotFound) as error:  # of this secret; others are examined
                unseen.append(f"{info.name}: {error.summary}")
            except StorageError as error:
                if error.retryable or not error.action:  # not a denied permission: all would fail
                    raise
                unseen.append(f"{info.name}: requires {error.action}")
        names = tuple(info.name for info in infos)
        return Diagnosis(tuple(_without_repetitions(found)), names, tuple(unseen))

    def _of(self, info: SecretInfo, work: Work) -> Iterator[Finding]:
        if info.deleted:
            yield findings.scheduled(info)
            return
        ours = self._rotator.unfinished_here(info.name, work=work)
        for rotation in ours:
            if not (rotation.due and rotation.due > utc_now()):  # in its grace period
                yield findings.unfinished(rotation)
        inspection = self._inspect(info, work)
        if not ours:  # a rotation of this machine is repaired by resuming it
            yield from self._pending(inspection, work)
            yield from self._access_keys(inspection, work)

    def _inspect(self, info: SecretInfo, work: Work) -> _Inspection:
        inspection = _Inspection(info, stages.describe(self._clients, info.name, work))
        for version, labels in inspection.now.labels.items():
            # Versions without stages are deprecated: AWS deletes them at any time, so they are not
            # read.
            text = self._text(info.name, version, work) if labels else None
            if text is not None:
                inspection.texts[version] = text
        return inspection

    def _text(self, name: str, version: str, work: Work) -> Secret | None:
        """Return the text of a version; an interrupted rotation may have left an empty version."""
        try:
            return self._secrets.read(name, version_id=version, work=work).text
        except NotFound:
            return None

    def _pending(self, inspection: _Inspection, work: Work) -> Iterator[Finding]:
        now, name = inspection.now, inspection.info.name
        # AWS leaves both labels on one version after a promotion, which is a finished rotation.
        if not now.pending or now.pending == now.current:
            return
        listed = self._secrets.list_versions(name, work=work)
        since = next((each.created for each in listed if each.version_id == now.pending), None)
        text = inspection.texts.get(now.pending)
        key = inspection.keys.get(now.pending)
        yield findings.pending(
            PendingVersion(
                secret=name,
                version=now.pending,
                since=since,
                who=stages.author_of(now, now.pending),
                empty=text is None or not text,
                adoptable=key is not None and self._is_adoptable(key, inspection, work),
                rotation_enabled=now.rotation_enabled,
                accepted=self._accepted(inspection, text, work),
            )
        )

    def _accepted(
        self, inspection: _Inspection, pending: Secret | None, work: Work
    ) -> PendingAccepted:
        current = inspection.texts.get(inspection.now.current)
        if current is None or pending is None:
            return PendingAccepted.NO
        return pending_accepted(current, pending, work)

    def _is_adoptable(self, key: StorageSecret, inspection: _Inspection, work: Work) -> bool:
        """Return whether a pending key differs from the current one and is valid."""
        current = inspection.keys.get(inspection.now.current)
        # A pending version with the same key is a change of other fields, not a rotation.
        if current is None or current.keys.access_key_id == key.keys.access_key_id:
            return False
        return bool(self._user(key, work))

    def _user(self, secret: StorageSecret, work: Work) -> str:
        """Return the user name of a key, or an empty string if the key is refused."""
        profile = self._clients.connection.profile
        try:
            arn = owner_of_keys(profile, secret.keys, secret.bucket, secret.region, work).arn
        except CredentialsInvalid:
            return ""
        # Only users have access keys that can be listed; a role's ARN ends with a session.
        return arn.rpartition("/")[2] if ":user/" in arn else ""

    def _access_keys(self, inspection: _Inspection, work: Work) -> Iterator[Finding]:
        current = inspection.keys.get(inspection.now.current)
        if current is None:
            return
        user = self._user(current, work)
        if not user:
            yield from self._dead(inspection, current, work)
            return
        held = {
            secret.keys.access_key_id: inspection.now.labels[version]
            for version, secret in inspection.keys.items()
        }
        # A user has at most two keys, so a second one blocks the next rotation.
        for key in iam_keys.list_keys(self._clients, user, work):
            if CURRENT not in held.get(key.id, ()):
                yield self._spare(inspection, user, key, held.get(key.id, ()), work)

    def _spare(
        self, inspection: _Inspection, user: str, key: KeyInfo, labels: tuple[str, ...], work: Work
    ) -> Finding:
        """Return the finding of a key that is not current: in an older version, or in none."""
        used = iam_keys.last_used(self._clients, key.id, work)
        kind = FindingKind.TWO_KEYS if labels else FindingKind.ORPHAN_KEY
        if not key.active:
            kind = FindingKind.INACTIVE_KEY
        pending = PENDING in labels
        return findings.spare_key(kind, inspection.info.name, user, key, used, pending=pending)

    def _dead(
        self, inspection: _Inspection, current: StorageSecret, work: Work
    ) -> Iterator[Finding]:
        key_id = current.keys.access_key_id
        try:
            user = iam_keys.last_used(self._clients, key_id, work).user
            known = iam_keys.list_keys(self._clients, user, work)
        # The owner of a dead key is only additional information: it may be deleted or hidden.
        except StorageError as error:
            if error.retryable:
                raise
            user, known = "", ()
        inactive = any(key.id == key_id and not key.active for key in known)
        yield findings.dead_key(inspection.info.name, key_id, user, inactive=inactive)


def _without_repetitions(found: list[Finding]) -> Iterator[Finding]:
    """Report a key once, even if several secrets belong to the same user."""
    seen: set[str] = set()
    for finding in found:
        if finding.id not in seen:
            seen.add(finding.id)
            yield finding
