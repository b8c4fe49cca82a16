"""Managed rotation as AWS runs it, for a secret on the embedded server."""

import json
from io import BytesIO
from secrets import token_hex

from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session
from helpers.secret_world import SecretWorld

from core.model.rotation import Rotation, Step, StepState


class AwsRotation:
    """RotateSecret, and the function that AWS calls; moto would finish at once, without one."""

    def __init__(self, world: SecretWorld) -> None:
        self.world = world
        self._real = URLLib3Session.send

    def send(self, session, request):
        target = request.headers.get("X-Amz-Target", b"")
        if b"RotateSecret" not in (target if isinstance(target, bytes) else target.encode()):
            return self._real(session, request)
        token = json.loads(request.body)["ClientRequestToken"]
        pending = self.world.holder("AWSPENDING")
        if pending not in {"", token, self.world.holder("AWSCURRENT")}:
            return self._answer(request, 400, {"__type": "InvalidRequestException"})
        self.begin(token)
        arn = f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{self.world.secret}"
        answer = {"ARN": arn, "Name": self.world.secret, "VersionId": token}
        return self._answer(request, 200, answer)

    def begin(self, token: str) -> None:
        self.world.vault.put_secret_value(
            SecretId=self.world.secret,
            ClientRequestToken=token,
            SecretString='{"made": "by AWS"}',
            VersionStages=["AWSPENDING"],
        )

    def finish(self, token: str) -> None:
        self.world.vault.update_secret_version_stage(
            SecretId=self.world.secret,
            VersionStage="AWSCURRENT",
            MoveToVersionId=token,
            RemoveFromVersionId=self.world.holder("AWSCURRENT"),
        )

    def watch(self, rotation: Rotation) -> None:
        """Complete the rotation while it is observed."""
        if rotation.step(Step.PROMOTE).state is StepState.RUNNING:
            assert self.world.holder("AWSPENDING") == rotation.id
            self.finish(rotation.id)

    def _answer(self, request, status, content):
        raw = BytesIO(json.dumps(content).encode())
        raw.stream = lambda *_a, **_k: iter([raw.getvalue()])
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": token_hex()}
        return AWSResponse(request.url, status, headers, raw)
