"""An IAM user whose key is in a secret on the demo server, and the invariants of both."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError
from helpers.demo import plain_client
from helpers.secret_world import delete_secret
from helpers.wire_faults import Call

from core.aws.clients import ClientFactory
from core.demo import DemoServer
from core.demo.data.identities import platform_policy
from core.model.connection import AccessKeys
from core.model.rotation import Rotation, RotationTiming, Step, StepState
from core.redaction import Secret
from core.rotation.journal import RotationJournal
from core.rotation.service import Rotator
from core.work import Work

QUICK = RotationTiming(
    test_seconds=0.4,
    successes=1,
    pause=0.01,
    grace=timedelta(minutes=65),
    second_grace=timedelta(days=7),
)
AT_ONCE = frozenset({Step.DEACTIVATE, Step.DELETE})


@dataclass
class World:
    """One user and one secret; plain boto3 clients read them."""

    server: DemoServer
    user: str = field(default_factory=lambda: f"bot-{uuid4().hex[:12]}")

    def __post_init__(self) -> None:
        self.secret = f"cryptotrading/{self.user}"
        self.iam = plain_client(self.server, "iam", self.server.admin)
        self.vault = plain_client(self.server, "secretsmanager", self.server.admin)
        self.iam.create_user(UserName=self.user)
        self.iam.put_user_policy(
            UserName=self.user, PolicyName="own", PolicyDocument=json.dumps(platform_policy())
        )
        key = self.iam.create_access_key(UserName=self.user)["AccessKey"]
        self.first = AccessKeys(key["AccessKeyId"], Secret(key["SecretAccessKey"]))
        self.vault.create_secret(Name=self.secret, SecretString=json.dumps(self.value(self.first)))

    def value(self, keys: AccessKeys) -> dict[str, str]:
        return {
            "aws_access_key_id": keys.access_key_id,
            "aws_secret_access_key": keys.secret_access_key.reveal(),
            "bucket_name": "tentimecrypto",
            "region": "us-east-1",
            "note": "stored as it is: é",
        }

    def close(self) -> None:
        """Remove the user and the secret: the server lives on, and others list what it holds."""
        delete_secret(self.vault, self.secret)
        with suppress(ClientError):  # the test itself may have removed the user
            for key in self.keys:
                self.iam.delete_access_key(UserName=self.user, AccessKeyId=key)
            for name in self.iam.list_user_policies(UserName=self.user)["PolicyNames"]:
                self.iam.delete_user_policy(UserName=self.user, PolicyName=name)
            self.iam.delete_user(UserName=self.user)
        self.iam.close()
        self.vault.close()

    def rotator(self, clients: ClientFactory, journal: RotationJournal, **more: Any) -> Rotator:
        return Rotator(clients, journal=journal, **{"timing": QUICK, **more})

    # What is there.

    @property
    def stages(self) -> dict[str, list[str]]:
        return self.vault.describe_secret(SecretId=self.secret)["VersionIdsToStages"]

    def holder(self, label: str) -> str:
        return next((v for v, labels in self.stages.items() if label in labels), "")

    def stored(self, label: str) -> dict[str, str]:
        answer = self.vault.get_secret_value(SecretId=self.secret, VersionStage=label)
        return json.loads(answer["SecretString"])

    @property
    def keys(self) -> dict[str, bool]:
        listed = self.iam.list_access_keys(UserName=self.user)["AccessKeyMetadata"]
        return {key["AccessKeyId"]: key["Status"] == "Active" for key in listed}

    def works(self, value: dict[str, str]) -> bool:
        keys = AccessKeys(value["aws_access_key_id"], Secret(value["aws_secret_access_key"]))
        sts = plain_client(self.server, "sts", keys)
        try:
            return sts.get_caller_identity()["Arn"].endswith(f"/{self.user}")
        except sts.exceptions.ClientError:
            return False
        finally:
            sts.close()

    # What must hold.

    def check_invariants(self) -> None:
        """R-I1 to R-I3: a labelled value works, AWSCURRENT's key is active, two keys at most."""
        keys, current = self.keys, self.stored("AWSCURRENT")
        assert len(keys) <= 2, keys
        assert keys.get(current["aws_access_key_id"]) is True, "AWSCURRENT's key is not active"
        assert self.works(current), "the value in AWSCURRENT does not work"

    def check_goal(self) -> None:
        """R-I4: one key, the new one, is current and works; nothing is left of the rotation."""
        self.check_invariants()
        current = self.stored("AWSCURRENT")
        assert list(self.keys) == [current["aws_access_key_id"]]
        assert current["aws_access_key_id"] != self.first.access_key_id
        assert current["note"] == "stored as it is: é"
        assert not self.works(self.value(self.first)), "the old key is still accepted"
        assert self.holder("AWSPENDING") in {"", self.holder("AWSCURRENT")}

    def check_as_before(self) -> None:
        """An undone rotation has left nothing behind."""
        self.check_invariants()
        assert self.keys == {self.first.access_key_id: True}
        assert self.stored("AWSCURRENT") == self.value(self.first)
        assert self.holder("AWSPENDING") == ""


def resume_or_start(rotator: Rotator, world: World, work: Work | None = None) -> Rotation:
    """Resume what was begun, or begin: what a user does after a crash, until it is finished."""
    open_ones = [each for each in rotator.unfinished() if each.secret == world.secret]
    if open_ones:
        return rotator.resume(open_ones[0], now=AT_ONCE, work=work)
    return rotator.start(world.secret, now=AT_ONCE, work=work)


#: The call by which each step does what it is for.
ACTS = {
    Step.PREFLIGHT: "UpdateSecretVersionStage",
    Step.CREATE: "CreateAccessKey",
    Step.STAGE: "PutSecretValue",
    Step.TEST: "PUT /",
    Step.PROMOTE: "UpdateSecretVersionStage",
    Step.SWITCH: "GetSecretValue",
    Step.DEACTIVATE: "UpdateAccessKey",
    Step.DELETE: "DeleteAccessKey",
}


class AtStep:
    """A rule: the fault happens to one step's act, `times` times, while the step runs."""

    def __init__(self, step: Step, fault: str, times: int) -> None:
        self._step, self._fault, self._left = step, fault, times
        self._now: Step | None = None
        self.happened = 0

    def watch(self, rotation: Rotation) -> None:
        running = [each.step for each in rotation.steps if each.state is StepState.RUNNING]
        self._now = running[-1] if running else None

    def __call__(self, call: Call) -> str:
        if self._now is self._step and ACTS[self._step] in call.operation and self._left:
            self._left -= 1
            self.happened += 1
            return self._fault
        return ""
