"""Rotating is offered for each secret that the program can rotate, and for no other."""

import pytest
from helpers.credentials import settled


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"host": "db", "username": "app", "password": "canary-password"}', ""),
        ('{"aws_access_key_id": "AKIA", "aws_secret_access_key": "canary"}', ""),
        ('{"kraken_api_key": "a", "kraken_secret_key": "b"}', ""),
        ('{"token": "canary"}', "neither an AWS access key, nor a database login"),
        ('{"backup_key": "a2V5", "algorithm": "AES-256-GCM"}', "can only be read with it"),
        ("a plain text", "without fields"),
        (b"\xff", "binary value"),
    ],
)
def test_rotating_is_offered_by_the_fields_of_any_secret(tab, qtbot, server, text, reason):
    kind = "SecretBinary" if isinstance(text, bytes) else "SecretString"
    server.create_secret(Name="cryptotrading/reporting", **{kind: text})
    tab.refresh()
    settled(qtbot, tab)
    tab.secrets.choose("cryptotrading/reporting")
    settled(qtbot, tab)
    assert tab.secret.name == "cryptotrading/reporting"
    assert tab.secret.rotate.isEnabled() == (not reason)
    assert reason in tab.secret.rotate.toolTip()
