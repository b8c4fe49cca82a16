import json

import boto3
import pytest
from helpers.aws import CANARY, KEY_ID, connection
from helpers.credentials import DATABASE, DATABASE_TEXT, STORAGE, settled
from helpers.keyrings import MemoryKeyring, allow
from moto import mock_aws

from core.demo.moto_repairs import repair_moto
from core.local.activity import ChangeLog
from core.local.connections import Connections
from core.local.profiles import ProfileStore
from core.local.settings import Settings
from core.local.vault import Vault
from core.model.connection import ProfileColour
from core.workspace import Workspace
from gui.context import Context
from gui.tabs.credentials import CredentialsTab
from gui.tasks import TaskRunner


@pytest.fixture
def server():
    """Secrets Manager and S3 as another program sees them."""
    repair_moto()
    with mock_aws():
        session = boto3.Session(region_name="us-east-1")
        session.client("s3").create_bucket(Bucket="tentimecrypto")
        secrets = session.client("secretsmanager")
        secrets.create_secret(Name=DATABASE, SecretString=DATABASE_TEXT)
        stored = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": CANARY}
        secrets.create_secret(Name=STORAGE, SecretString=json.dumps(stored))
        yield secrets


@pytest.fixture
def keyring(monkeypatch):
    allow(monkeypatch, MemoryKeyring)
    return MemoryKeyring()


@pytest.fixture
def context(qapp, tmp_path, keyring, monkeypatch):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    runner = TaskRunner()
    made = Context(
        runner,
        settings=Settings(tmp_path),
        log=ChangeLog(tmp_path),
        connections=Connections(ProfileStore(tmp_path), Vault(keyring)),
    )
    yield made
    runner.shutdown()
    if made.workspace is not None:
        made.workspace.close()


@pytest.fixture
def workspace(server):
    return Workspace.open(connection(colour=ProfileColour.GREEN))


@pytest.fixture
def tab(qtbot, context, workspace):
    """The tab on a connection, with everything loaded."""
    made = CredentialsTab(context)
    qtbot.addWidget(made)
    made.resize(1280, 700)
    made.show()
    context.set_workspace(workspace)
    settled(qtbot, made)
    return made
