"""A rotation stops within two seconds of a cancel at any request, and can be resumed.

The cancel is requested just before a request is sent, from the thread that sends it. A few requests
are taken in the ordinary run; `ROTATION_KILLS=all` (make kills) takes every one.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import pytest
from botocore.httpsession import URLLib3Session
from helpers.aws_rotation import AwsRotation
from helpers.database_world import DatabaseWorld
from helpers.databases import mariadb_server, postgresql_server  # noqa: F401 - fixtures
from helpers.rotation_world import AT_ONCE, QUICK, World
from helpers.secret_world import SecretWorld
from helpers.wire_faults import Call, Wire, on_the_wire

from core.errors import Cancelled
from core.model.rotation import Outcome, Rotation, RotationTiming
from core.redaction import Secret
from core.rotation.databases import sockets
from core.rotation.service import Rotator
from core.rotation.strategies.managed import ManagedStrategy
from core.work import CancelToken, Work

#: At so many requests of each kind of rotation a cancel is requested.
POINTS = 1000 if os.environ.get("ROTATION_KILLS") == "all" else 3
#: Seconds within which a cancelled rotation returns.
LIMIT = 2.0


@dataclass
class Requests:
    """Count requests to AWS and logins to databases, and cancel at one of them."""

    number: int = -1
    token: CancelToken = field(default_factory=CancelToken)
    count: int = 0
    cancelled_at: float = 0.0

    def __call__(self, _call: Call | None = None) -> str:
        if self.count == self.number:
            self.cancelled_at = monotonic()
            self.token.cancel()
        self.count += 1
        return ""


@contextmanager
def counted_by(monkeypatch: Any, requests: Requests) -> Iterator[None]:
    """Let `requests` count, and cancel, while the block runs."""
    connect = sockets.connected

    def connected(*arguments: Any) -> Any:
        requests()
        return connect(*arguments)

    with on_the_wire(monkeypatch, Wire(requests)), monkeypatch.context() as patch:
        patch.setattr(sockets, "connected", connected)
        yield


@dataclass
class Case:
    """One kind of rotation, and what must be true at the end and at every other moment."""

    world: World | SecretWorld
    rotator: Rotator
    check: Callable[[], Any]
    check_goal: Callable[[], Any]
    values: Callable[[], dict[str, Secret]] = dict
    batch: Callable[[Rotation], None] = lambda _rotation: None

    def run(self, token: CancelToken) -> Rotation:
        """Resume the unfinished rotation of the secret, or start one."""
        work, values = Work(token=token, batch=self.batch), self.values()
        unfinished = [each for each in self.rotator.unfinished() if each.secret == self.secret]
        if unfinished:
            return self.rotator.resume(unfinished[0], now=AT_ONCE, values=values, work=work)
        return self.rotator.start(self.secret, now=AT_ONCE, values=values, work=work)

    @property
    def secret(self) -> str:
        return self.world.secret


@pytest.fixture
def iam_key(demo_server, rotator_of):
    world = World(demo_server)
    yield Case(world, rotator_of(QUICK), world.check_invariants, world.check_goal)
    world.close()


@pytest.fixture
def postgresql(demo_server, rotator_of, postgresql_server):  # noqa: F811 - the fixture
    yield from database_case(DatabaseWorld(demo_server, postgresql_server.login()), rotator_of)


@pytest.fixture
def mariadb(demo_server, rotator_of, mariadb_server):  # noqa: F811 - the fixture
    yield from database_case(DatabaseWorld(demo_server, mariadb_server.login()), rotator_of)


def database_case(world: DatabaseWorld, rotator_of: Any) -> Iterator[Case]:
    yield Case(world, rotator_of(QUICK), world.check_invariant, world.check_goal)
    world.close()


@pytest.fixture
def exchange_keys(demo_server, rotator_of):
    old = {"binance_api_key": "old-key-0001", "binance_secret_key": "old-secret-0001"}
    world, entered = SecretWorld(demo_server, json.dumps(old)), [old]

    def values() -> dict[str, Secret]:
        entered.append({name: f"{name}-{len(entered)}" for name in old})
        return {name: Secret(value) for name, value in entered[-1].items()}

    def check() -> None:
        assert world.stored() in entered, "current is a complete pair"

    def check_goal() -> None:
        assert world.stored() in entered[1:]
        assert world.holder("AWSPENDING") == ""

    yield Case(world, rotator_of(QUICK), check, check_goal, values)
    world.close()


@pytest.fixture
def managed(demo_server, rotator_of, monkeypatch):
    def quick(setup):
        return ManagedStrategy(setup.clients, watch_seconds=5.0, show_seconds=0.3, pause=0.01)

    monkeypatch.setattr(ManagedStrategy, "create", quick)
    world = SecretWorld(demo_server, '{"anything": "at all"}')
    rules = {"AutomaticallyAfterDays": 30}
    world.vault.rotate_secret(SecretId=world.secret, RotationRules=rules)
    world.vault.put_secret_value(SecretId=world.secret, SecretString=world.text)
    aws = AwsRotation(world)

    def send(session, request):
        return aws.send(session, request)

    monkeypatch.setattr(URLLib3Session, "send", send)

    def watch(rotation: Rotation) -> None:
        if world.holder("AWSCURRENT") != rotation.id:
            aws.watch(rotation)

    def check_goal() -> None:
        assert world.stored() == {"made": "by AWS"}

    yield Case(world, rotator_of(QUICK), world.stored, check_goal, batch=watch)
    world.close()


@pytest.fixture
def rotator_of(admin, journal):
    def rotator(timing: RotationTiming) -> Rotator:
        return Rotator(admin, journal=journal, timing=timing)

    return rotator


@pytest.mark.parametrize(
    "kind",
    [
        "iam_key",
        pytest.param("postgresql", marks=pytest.mark.db),
        pytest.param("mariadb", marks=pytest.mark.db),
        "exchange_keys",
        "managed",
    ],
)
def test_a_cancel_at_a_request(request, monkeypatch, kind: str):
    case: Case = request.getfixturevalue(kind)
    everything = Requests()
    with counted_by(monkeypatch, everything):
        assert case.run(everything.token).outcome is Outcome.DONE
    assert everything.count > 5
    step = max(1, everything.count // POINTS)
    for number in range(everything.count % step, everything.count, step):
        cancel_and_resume(case, monkeypatch, number)


def cancel_and_resume(case: Case, monkeypatch: Any, number: int) -> None:
    requests = Requests(number)
    with counted_by(monkeypatch, requests):
        try:
            outcome = case.run(requests.token).outcome
        except Cancelled:  # before the rotation was recorded
            outcome = None
        ended = monotonic()
    assert requests.cancelled_at, number
    assert ended - requests.cancelled_at < LIMIT, number
    assert outcome in {None, Outcome.STOPPED, Outcome.UNDONE, Outcome.DONE}, number
    case.check()
    for version, labels in case.world.stages.items():
        if labels:
            case.world.vault.get_secret_value(SecretId=case.secret, VersionId=version)
    assert case.run(CancelToken()).outcome is Outcome.DONE, number
    case.check_goal()
