"""Connections and denials for tests that run on moto in this process."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSResponse

from core.aws.clients import ClientFactory
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.redaction import Secret

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
CANARY = "cAnArYsEcReTkEy0000000000000000000000000"


def connection(**profile: Any) -> Connection:
    """Return a connection with its access keys."""
    values = {"name": "test", "source": KeySource.SESSION, **profile}
    return Connection(Profile(**values), AccessKeys(KEY_ID, Secret(CANARY)))


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_args: Any, **_more: Any) -> Iterator[bytes]:
        yield self._body


def deny_secrets(clients: ClientFactory, *operations: str) -> None:
    """Have Secrets Manager refuse some operations, as IAM does."""

    def refuse(event_name: str = "", request: Any = None, **_details: Any) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        if operation not in operations:
            return None
        message = (
            f"User: arn:aws:iam::1:user/bot is not authorized to perform: "
            f"secretsmanager:{operation} because no identity-based policy allows it"
        )
        body = json.dumps({"__type": "AccessDeniedException", "Message": message}).encode()
        headers = {"content-type": "application/x-amz-json-1.1"}
        return AWSResponse(request.url, 400, headers, _Raw(body))

    clients.secrets().meta.events.register_first("before-send", refuse)
