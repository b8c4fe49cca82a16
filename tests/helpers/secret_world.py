"""A secret on the demo server that is rotated, read by an independent client."""

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from helpers.demo import plain_client

from core.demo import DemoServer


@dataclass
class SecretWorld:
    """One secret; a plain boto3 client reads it."""

    server: DemoServer
    text: str

    def __post_init__(self) -> None:
        self.secret = f"cryptotrading/{uuid4().hex[:12]}"
        self.vault = plain_client(self.server, "secretsmanager", self.server.admin)
        made = self.vault.create_secret(Name=self.secret, SecretString=self.text)
        self.first = made["VersionId"]

    def close(self) -> None:
        """Remove the secret: the server lives on, and others list what it holds."""
        delete_secret(self.vault, self.secret)
        self.vault.close()

    @property
    def stages(self) -> dict[str, list[str]]:
        return self.vault.describe_secret(SecretId=self.secret)["VersionIdsToStages"]

    def holder(self, label: str) -> str:
        return next((v for v, labels in self.stages.items() if label in labels), "")

    def current_text(self) -> str:
        return self.vault.get_secret_value(SecretId=self.secret)["SecretString"]

    def stored(self, **which: str) -> dict[str, Any]:
        answer = self.vault.get_secret_value(SecretId=self.secret, **which)
        return json.loads(answer["SecretString"])

    def check_as_before(self) -> None:
        """Nothing has moved, nothing is left."""
        assert self.holder("AWSCURRENT") == self.first
        assert self.current_text() == self.text
        assert self.holder("AWSPENDING") == ""
        assert not [v for v, labels in self.stages.items() if "strongroom" in str(labels)]


def delete_secret(vault: Any, name: str) -> None:
    """Delete a secret for good; one that is gone already is no error."""
    with suppress(vault.exceptions.ResourceNotFoundException):
        vault.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
