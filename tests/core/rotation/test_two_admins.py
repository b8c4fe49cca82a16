"""Two administrators, each with a separate journal, rotate the same secret.

The state machine mixes starting, resuming, undoing, dying, losing answers and foreign edits; the
ordinary run takes a smaller dose than `make kills` (ROTATION_KILLS=all).
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from helpers.demo import plain_client
from helpers.rotation_world import AT_ONCE, World
from helpers.wire_faults import Call, Killed, Wire, on_the_wire
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from core.aws.clients import ClientFactory
from core.demo.server import DemoServer
from core.errors import StorageError
from core.model.connection import AccessKeys, Connection
from core.model.rotation import Outcome, Rotation, Step
from core.redaction import Secret
from core.rotation.journal import RotationJournal
from core.rotation.service import Rotator

ALL = os.environ.get("ROTATION_KILLS") == "all"
EXAMPLES, STEPS = (40, 50) if ALL else (2, 12)
STRIDE = 1 if ALL else 8
FINISHED = {Outcome.DONE, Outcome.WAITING}


@pytest.fixture(scope="module")
def second_admin(demo_server):
    """Another administrator, by another name."""
    keys = _make_admin(demo_server, "second-admin")
    clients = ClientFactory(Connection(demo_server.connection.profile, keys))
    yield clients
    clients.close()


def _make_admin(server: DemoServer, name: str) -> AccessKeys:
    iam = plain_client(server, "iam", server.admin)
    try:
        iam.create_user(UserName=name)
        policy = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
        }
        iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
    finally:
        iam.close()
    return AccessKeys(key["AccessKeyId"], Secret(key["SecretAccessKey"]))


def test_one_wins_wherever_the_other_begins(
    world: World, admin, second_admin, tmp_path, monkeypatch
):
    """The complete rotation of the second one runs between two calls of the first one's."""
    first = world.rotator(admin, RotationJournal(tmp_path / "first"))
    second = world.rotator(second_admin, RotationJournal(tmp_path / "second"))
    counted = Wire()
    with on_the_wire(monkeypatch, counted):
        first.start(world.secret, now=AT_ONCE)
    for number in range(0, len(counted.calls), STRIDE):
        won: list[Rotation] = []

        def between(call: Call, number: int = number, won: list[Rotation] = won) -> str:
            if call.number == number and not won:
                won.append(Rotation("", None, "", None, None))  # the calls below come here, too
                won[0] = second.start(world.secret, now=AT_ONCE)
            return ""

        with on_the_wire(monkeypatch, Wire(between)):
            mine = first.start(world.secret, now=AT_ONCE)
        outcomes = {mine.outcome, won[0].outcome}
        # At both ends the one may well come after the other.
        assert Outcome.DONE in outcomes, (number, mine.problem, won[0].problem)
        for loser, name in ((mine, "second-admin"), (won[0], "strongroom-admin")):
            if loser.outcome is not Outcome.DONE:
                assert loser.outcome in {Outcome.UNDONE, Outcome.LOST}
                output = loser.problem.summary + loser.problem.cause
                assert (
                    name in output or "second access key" in output or "is not one of" in output
                ), output
        world.check_goal()


class TwoAdmins(RuleBasedStateMachine):
    """What two administrators may do, and what must hold whatever they do."""

    server: DemoServer
    admins: tuple[ClientFactory, ClientFactory]
    patch: Any

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.server)
        self._home = tempfile.TemporaryDirectory()
        self._rotators = [
            self.world.rotator(clients, RotationJournal(Path(self._home.name) / str(number)))
            for number, clients in enumerate(self.admins)
        ]
        self._edits = 0

    def _try(self, act: Any, fault: str, number: int) -> None:
        wire = Wire(lambda call: fault if call.number == number else "")
        with on_the_wire(self.patch, wire):
            try:
                act()
            except Killed:
                return
            except StorageError:  # refused before it had begun: only the fault may be the reason
                if not fault:
                    raise

    @rule(
        who=st.integers(0, 1),
        fault=st.sampled_from(["", "lost", "killed", "500", "denied"]),
        number=st.integers(0, 60),
        at_once=st.booleans(),
    )
    def go_on(self, who: int, fault: str, number: int, at_once: bool) -> None:
        """Begin, or resume what is not finished."""
        rotator = self._rotators[who]
        now: frozenset[Step] = AT_ONCE if at_once else frozenset()
        open_ones = rotator.unfinished()

        def act() -> Any:
            if open_ones:
                return rotator.resume(open_ones[-1], now=now)
            return rotator.start(self.world.secret, now=now)

        self._try(act, fault, number)

    @rule(
        who=st.integers(0, 1),
        fault=st.sampled_from(["", "lost", "killed"]),
        number=st.integers(0, 15),
    )
    def undo(self, who: int, fault: str, number: int) -> None:
        """Undo what is unfinished."""
        rotator = self._rotators[who]
        for rotation in rotator.unfinished()[-1:]:
            self._try(lambda rotation=rotation: rotator.undo(rotation), fault, number)

    @rule()
    def edit(self) -> None:
        """Another user edits another field of the secret by hand."""
        self._edits += 1
        value = {**self.world.stored("AWSCURRENT"), "edited": str(self._edits)}
        self.world.vault.put_secret_value(
            SecretId=self.world.secret, SecretString=json.dumps(value)
        )

    @invariant()
    def it_holds(self) -> None:
        """R-I1 to R-I3."""
        self.world.check_invariants()

    def teardown(self) -> None:
        """Whatever state was reached: everybody finishes, and a fresh rotation gets to the goal."""
        for rotator in self._rotators:
            self._finish(rotator)
            self.world.check_invariants()
        for rotator in self._rotators:
            self._finish(rotator)
        rotation = self._rotators[0].start(self.world.secret, now=AT_ONCE)
        assert rotation.outcome is Outcome.DONE, rotation.problem
        self.world.check_goal()
        self.world.close()
        self._home.cleanup()

    @staticmethod
    def _finish(rotator: Rotator) -> None:
        """An undo that there is no way for any more ends in one resume more."""
        for _again in range(3):
            for rotation in rotator.unfinished():
                rotator.resume(rotation, now=AT_ONCE)
        assert not rotator.unfinished(), [each.problem for each in rotator.unfinished()]


def test_two_admins_in_any_order(demo_server, admin, second_admin, monkeypatch):
    TwoAdmins.server, TwoAdmins.admins = demo_server, (admin, second_admin)
    TwoAdmins.patch = monkeypatch
    run_state_machine_as_test(
        TwoAdmins,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=not ALL,
            suppress_health_check=list(HealthCheck),
            # Shrinking takes minutes: only where a developer waits for a small example.
            phases=tuple(Phase) if ALL else (Phase.explicit, Phase.generate),
        ),
    )
