"""Rotation of a database user's password in a secret (`cryptotrading/database`).

The new password is stored as AWSPENDING before it is set in the database, so it can never be lost;
at any time the database accepts either the password of AWSCURRENT or that of AWSPENDING. From APPLY
to PROMOTE it is the pending one; the time between them is short.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from core.aws.clients import ClientFactory
from core.errors import Corrupt, CredentialsInvalid, StorageError
from core.model.rotation import Facts, Rotation, RotationKind, RotationTiming, Step, StepState
from core.model.secrets import SecretValue
from core.redaction import Secret
from core.rotation import stages
from core.rotation.copies import Replacement
from core.rotation.databases import login_for
from core.rotation.databases.login import Address, DatabaseLogin, accepted
from core.rotation.databases.passwords import generate_password
from core.rotation.repeated_test import succeed_in_a_row
from core.rotation.secret_fields import current_text, fields, new_text, old_text, with_fields
from core.rotation.strategies.staged import StagedStrategy, StepAction, edited_since
from core.rotation.strategy import CheckResult, ProbeFailed, Setup, StepResult
from core.work import Work

PASSWORD = "password"  # noqa: S105 - the name of a field
#: Time limit of the test in seconds. Databases accept a new password at once, proxies within
#: seconds; readers must not be locked out for longer because of the test.
_TEST_SECONDS = 10.0

_LOGIN_FIELDS = frozenset({"username", PASSWORD, "host"})

LoginFactory = Callable[[Mapping[str, Any]], DatabaseLogin]


@dataclass(frozen=True, slots=True)
class _Access:
    """A login and its password in one version of the secret."""

    login: DatabaseLogin
    password: Secret

    @property
    def address(self) -> Address:
        return self.login.address

    def works(self, work: Work) -> bool:
        return accepted(self.login, self.password, work)


class DatabaseStrategy(StagedStrategy):
    """The steps of one rotation of a database password."""

    kind: ClassVar[RotationKind] = RotationKind.DATABASE
    values_entered: ClassVar[bool] = False
    steps: ClassVar[tuple[Step, ...]] = (
        Step.PREFLIGHT,
        Step.STAGE,
        Step.APPLY,
        Step.TEST,
        Step.PROMOTE,
    )
    promoted_text = "readers get the new password"

    def __init__(
        self,
        clients: ClientFactory,
        *,
        timing: RotationTiming | None = None,
        login_for: LoginFactory = login_for,
    ) -> None:
        super().__init__(clients)
        self._timing = timing or RotationTiming()
        self._login_for = login_for

    @classmethod
    def create(cls, setup: Setup) -> Self:
        """Return the strategy for one rotation; see `Strategy`."""
        return cls(setup.clients, timing=setup.timing)

    @classmethod
    def matches(cls, secret: str, fields: Collection[str]) -> bool:  # noqa: ARG003 - the protocol's
        """Whether the secret holds the login of a database."""
        return set(fields) >= _LOGIN_FIELDS

    def _own_steps(self) -> Mapping[Step, StepAction]:
        return {Step.APPLY: self._apply, Step.TEST: self._test}

    def rolls_back(self, step: Step, error: StorageError) -> bool:
        """Return whether to undo at once: a refused new password would lock all readers out."""
        return step is Step.TEST and isinstance(error, ProbeFailed) and not error.retryable

    def examine(self, rotation: Rotation, current: SecretValue, work: Work) -> CheckResult:
        """Check whether the rotation could begin; nothing is changed.

        Raises:
            CredentialsInvalid: the database refuses the current password.
            StorageError: the database cannot be reached, or the secret is not usable.
        """
        stages.check_free(self._clients, rotation, work)
        access = self._access(rotation, current.text)
        with_fields(current.text, {PASSWORD: access.password})  # reports a duplicate field
        access.login.check(access.password, work)
        facts = Facts(user=access.address.username, old_version=current.version_id)
        return CheckResult(facts, f"{access.address} signs in with the current password")

    # The steps.

    def _new_value(
        self,
        rotation: Rotation,
        old: Secret,
        work: Work,  # noqa: ARG002 - the base class's
    ) -> tuple[Secret, tuple[Replacement, ...]]:
        # Nothing is staged yet, so no earlier attempt has set a password in the database.
        new = generate_password()
        return with_fields(old, {PASSWORD: new}), (self._replacement(rotation, old, new),)

    def _stage(self, rotation: Rotation, work: Work) -> StepResult:
        result = super()._stage(rotation, work)
        return replace(result, detail=f"{result.detail}; the database is unchanged")

    def replacements(self, rotation: Rotation, text: Secret) -> tuple[Replacement, ...]:
        """Return the value that a rotation replaces, to search for its copies."""
        return (self._replacement(rotation, text),)

    def _replacement(
        self, rotation: Rotation, old: Secret, new: Secret | None = None
    ) -> Replacement:
        access = self._access(rotation, old)
        address = access.address
        return Replacement(
            PASSWORD, access.password, new or access.password, address.username, address.host
        )

    def _apply(self, rotation: Rotation, work: Work) -> StepResult:
        # The last checks before the database changes: from here to the promotion readers of the
        # secret get a password that the database refuses.
        stages.check_staged(self._clients, rotation, work)
        stages.check_unmoved(self._clients, rotation, work)
        new, old = self._new(rotation, work), self._old(rotation, work)
        try:
            new.login.change(old.password, new.password, work)
        except CredentialsInvalid:
            # An earlier attempt whose answer was lost, or that was killed, may have set it.
            if not new.works(work):
                raise
            return StepResult(rotation.facts, "the database already has the new password")
        return StepResult(rotation.facts, f"set for {new.address}")

    def _test(self, rotation: Rotation, work: Work) -> StepResult:
        stages.check_staged(self._clients, rotation, work)
        tries = succeed_in_a_row(
            lambda _number: self._log_in(rotation, work),
            self._timing,
            seconds=min(self._timing.test_seconds, _TEST_SECONDS),
            value="The new password",
            work=work,
        )
        successes = self._timing.successes
        return StepResult(rotation.facts, f"signed in {successes} times in a row, {tries} tries")

    def _log_in(self, rotation: Rotation, work: Work) -> None:
        """Log in with the value that Secrets Manager currently returns for the pending version."""
        access = self._new(rotation, work)
        access.login.check(access.password, work)

    def _is_current(self, rotation: Rotation, work: Work) -> bool:
        return self._current(rotation, work).password == self._new(rotation, work).password

    # Undo.

    def undo(self, rotation: Rotation, work: Work) -> Facts:
        """Set the password in the database to the one that readers of the secret get.

        Raises:
            NotUndoable: the secret was changed after the promotion and contains the new password.
        """
        now = stages.describe(self._clients, rotation.secret, work)
        if (
            self._may_be_applied(rotation)
            and stages.staged(self._clients, rotation, work) is not None
        ):
            self._check_undoable(rotation, now, work)
            self._restore_password(rotation, now, work)
        stages.demote(self._clients, rotation, work)
        stages.release(self._clients, rotation, work)
        return rotation.facts

    def _may_be_applied(self, rotation: Rotation) -> bool:
        """Return whether the database may have been changed; the journal records it before."""
        return rotation.step(Step.APPLY).state is not StepState.WAITING

    def _check_undoable(self, rotation: Rotation, now: stages.Stages, work: Work) -> None:
        if now.current in {rotation.id, rotation.facts.old_version}:
            return
        if self._is_current(rotation, work):
            raise edited_since(rotation, now.current)

    def _restore_password(self, rotation: Rotation, now: stages.Stages, work: Work) -> None:
        new, back = self._new(rotation, work), self._access_to_restore(rotation, now, work)
        # The journal does not show whether the database was changed; which password it accepts
        # does.
        if new.works(work):
            new.login.change(new.password, back.password, work)
            # Proves that readers can log in again before the stages move back.
            back.login.check(back.password, work)
        elif now.current == rotation.id and not back.works(work):
            raise CredentialsInvalid(
                "The database refuses both the old and the new password",
                cause=f"Another client has changed the password of {new.address}.",
                remedy="Ask the database administrator to set a password, and store it in the "
                "secret.",
                subject=rotation.secret,
            )

    def _access_to_restore(self, rotation: Rotation, now: stages.Stages, work: Work) -> _Access:
        """Return the access to restore: that of a newer version, if the secret was changed."""
        old = self._old(rotation, work)
        if now.current in {rotation.id, rotation.facts.old_version}:
            return old
        theirs = self._current(rotation, work)
        # A secret that now describes another database does not contain this database's password.
        return theirs if theirs.address == old.address else old

    # Common parts of the steps.

    def _new(self, rotation: Rotation, work: Work) -> _Access:
        return self._access(rotation, new_text(self._clients, rotation, work))

    def _old(self, rotation: Rotation, work: Work) -> _Access:
        return self._access(rotation, old_text(self._clients, rotation, work))

    def _current(self, rotation: Rotation, work: Work) -> _Access:
        return self._access(rotation, current_text(self._clients, rotation, work))

    def _access(self, rotation: Rotation, text: Secret) -> _Access:
        values = fields(rotation, text)
        password = values.get(PASSWORD)
        if not (isinstance(password, str) and password):
            raise Corrupt(
                f"Secret {rotation.secret} contains no password",
                cause=f"The field {PASSWORD} must be a text.",
                remedy="Complete the secret, then rotate it.",
                subject=rotation.secret,
            )
        return _Access(self._login_for(values), Secret(password))
