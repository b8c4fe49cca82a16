"""A script in the shape of the earlier software: lists, creates and updates secrets."""

import json
import sys

from core.storage.aws_secrets_manager import SecretsManager

mine = sys.argv[1]

secrets_manager = SecretsManager()
names = [secret["Name"] for secret in secrets_manager.list_secrets()]
arns = {secret["Name"]: secret["ARN"] for secret in secrets_manager.list_secrets("cryptotrading/")}
for secret in secrets_manager.list_secrets(name_filter="cryptotrading/"):
    print(f"{secret['Name']} ({secret.get('Description', 'no description')})", file=sys.stderr)

name = f"cryptotrading/{mine}"
if name not in names:
    assert secrets_manager.create_secret(name, {"key": "one"}, "made by a script")
try:
    secrets_manager.create_secret(name, {"key": "two"})
    refused = ""
except Exception as error:
    refused = str(error)
unchanged = secrets_manager.get_secret(name)
assert secrets_manager.create_secret(name, {"key": "three"}, update_existing=True)
assert secrets_manager.update_secret(name, {**secrets_manager.get_secret(name), "more": "x"})
print(
    json.dumps(
        {
            "names": names,
            "arns": arns,
            "refused": refused,
            "unchanged": unchanged,
            "now": secrets_manager.get_secret(name),
            "listed": json.loads(json.dumps(secrets_manager.list_secrets(name)[0], default=str)),
        }
    )
)
