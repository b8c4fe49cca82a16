"""No process that Strongroom starts has secrets in its environment."""

import ast

from conventions import source

from core.demo.server import _environment
from core.local.environment import split_environment

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "value-of-a-secret-1",
    "AWS_SESSION_TOKEN": "value-of-a-secret-2",
    "AWS_SECURITY_TOKEN": "value-of-a-secret-3",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "value-of-a-secret-4",
    "AWS_BEARER_TOKEN_BEDROCK": "value-of-a-secret-5",
    "PGPASSWORD": "value-of-a-secret-6",
    "MYSQL_PWD": "value-of-a-secret-7",
    "GITHUB_TOKEN": "value-of-a-secret-8",
    "MY_API_KEY": "value-of-a-secret-9",
    "DATABASE_URL": "postgresql://user:value-of-a-secret-10@host/db",
    "https_proxy": "http://user:value-of-a-secret-11@proxy:8080",
}
PLAIN = {
    "PATH": "/usr/bin",
    "HOME": "/nowhere/me",
    "PWD": "/nowhere/me",
    "OLDPWD": "/nowhere",
    "LANG": "C.UTF-8",
    "STRONGROOM_HOME": "/nowhere/me/strongroom",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_PROFILE": "team",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/me/.aws/credentials",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/creds",
    "AWS_CREDENTIAL_EXPIRATION": "2030-01-01T00:00:00Z",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9000",
    "HTTP_PROXY": "http://proxy:8080",
    "EMPTY_PASSWORD": "",
}


def test_secrets_and_plain_variables_are_reported_apart():
    plain, secret = split_environment(SECRETS | PLAIN)
    assert plain == PLAIN
    assert {name: value.reveal() for name, value in secret.items()} == SECRETS


def test_the_embedded_server_starts_without_any(monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    assert "value-of-a-secret" not in "".join(_environment().values())


def starts(path):
    return [
        node
        for node in ast.walk(source.tree(path))
        if source.called(node) in {"subprocess.Popen", "subprocess.run", "os.execv", "os.spawnv"}
    ]


def test_who_starts_a_process_names_its_environment():
    """A program of the user, which provides keys, gets what it expects, and so do database clients.

    The latter are started by the script of the recovery kit, which runs without Strongroom.
    """
    found = {
        path: starts(path)
        for path in source.python_files("core", "gui")
        if path.parent.parent.name != "recovery_kit"
    }
    starters = {path.name for path, nodes in found.items() if nodes}
    assert {"helper_programs.py", "client.py", "server.py"} <= starters
    for path, nodes in found.items():
        for node in nodes if path.name != "helper_programs.py" else ():
            named = {keyword.arg for keyword in node.keywords}
            assert "env" in named, source.place(path, node.lineno)
            assert "split_environment" in path.read_text(encoding="utf-8")
