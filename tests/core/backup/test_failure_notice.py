"""Notices of a failed backup: what a command and a webhook receive, and how they may fail."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from helpers.waiting import until

from core.backup.failure_notice import (
    checked_webhook,
    command_arguments,
    failure_notice,
    post,
    run_command,
)
from core.errors import InvalidInput, LocalIOError, Offline, ServiceError, StorageError
from core.redaction import remember

ERROR = Offline(
    "The server cannot be reached", cause="postgresql://ada:pass-w0rd@db/x", remedy="Try again."
)
NOTICE = failure_notice("postgresql://ada@db/x", ["orders"], ERROR)
NOTE = "import os, sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read() + repr(dict(os.environ)).encode())"


def test_the_notice_is_json_without_secrets() -> None:
    content = json.loads(NOTICE)
    assert (content["event"], content["kind"], content["exit_code"]) == (
        "backup failed", "offline", 31,
    )  # fmt: skip
    assert (content["database"], content["tables"]) == ("postgresql://ada@db/x", ["orders"])
    assert b"pass-w0rd" not in NOTICE


@pytest.mark.parametrize("secret", ['quo"ted pass', "pässwörd-123", "back\\slash-123"])
def test_a_secret_that_json_writes_with_escapes_is_masked(secret: str) -> None:
    remember(secret)
    error = StorageError(f"The server refused {secret}", cause=f"It got {secret}.")
    content = json.loads(failure_notice(f"/data/{secret}.db", [secret, "orders"], error))
    assert secret not in str(list(content.values()))
    assert content["tables"] == ["***", "orders"]
    assert content["cause"] == "It got ***."


def test_a_text_that_is_masked_leaves_the_notice_valid() -> None:
    error = StorageError("It failed", cause='The server got password: "correct horse".')
    content = json.loads(failure_notice("/data/shop.db", (), error))
    assert content["cause"] == "The server got password: ***."


def test_a_command_gets_the_notice_without_a_shell_and_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden-value")
    monkeypatch.setenv("PGPASSWORD", "hidden-value")
    file = tmp_path / "$(touch x); a b"
    run_command([sys.executable, "-c", NOTE, str(file)], NOTICE)
    assert file.read_bytes().startswith(NOTICE)
    assert b"hidden-value" not in file.read_bytes()
    assert [path.name for path in tmp_path.glob("x")] == []


@pytest.mark.parametrize(
    "command", [["/nowhere/program"], ["a\0b"], [sys.executable, "-c", "exit(3)"]]
)
def test_a_command_that_fails_is_an_error(command: list[str]) -> None:
    with pytest.raises(LocalIOError):
        run_command(command, NOTICE)


def test_a_command_has_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.backup.failure_notice.COMMAND_SECONDS", 0.2)
    with pytest.raises(LocalIOError, match="was ended after"):
        run_command(["tail", "-f", "/dev/null"], NOTICE)


def test_the_time_limit_also_ends_what_the_command_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.backup.failure_notice.COMMAND_SECONDS", 0.3)
    file = tmp_path / "pid"
    with pytest.raises(LocalIOError, match="was ended after"):
        run_command(["sh", "-c", f"sleep 60 & echo $! > {file}; wait"], NOTICE)
    child = Path(f"/proc/{file.read_text().strip()}/stat")
    until(lambda: not child.exists() or child.read_text().split()[2] == "Z")


def test_a_command_that_leaves_a_program_in_the_background_has_succeeded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.backup.failure_notice.COMMAND_SECONDS", 0.3)
    run_command(["sh", "-c", "sleep 1 & exit 0"], NOTICE)
    with pytest.raises(LocalIOError, match="failed with exit code 3"):
        run_command(["sh", "-c", "sleep 1 & exit 3"], NOTICE)


def test_a_secret_at_the_cut_of_long_output_is_masked() -> None:
    code = "import sys; sys.stderr.write('postgresql://ada:pass-w0rd@db/x' + 'y' * 485); exit(1)"
    with pytest.raises(LocalIOError) as caught:
        run_command([sys.executable, "-c", code], NOTICE)
    assert "w0rd" not in caught.value.cause


@pytest.mark.parametrize("command", ["", " ", "echo 'a"])
def test_an_invalid_command_is_refused(command: str) -> None:
    with pytest.raises(InvalidInput):
        command_arguments(command)
    assert command_arguments("notify-send 'a b' $HOME;") == ["notify-send", "a b", "$HOME;"]


@pytest.mark.parametrize(
    "url",
    ["", "file:///etc/passwd", "ftp://a/b", "http://", "http://a/b c", "http://[", "http://a/\n"],
)
def test_an_invalid_webhook_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        checked_webhook(url)


@contextmanager
def webhook(status: int) -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """Run a server that answers with a status, and yield its URL and the received requests."""
    received: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.command, self.headers["Content-Type"], body))
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def do_GET(self) -> None:
            received.append((self.command, "", b""))

        def log_message(self, *_arguments: object) -> None:
            """Write nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/secret-path", received
        finally:
            server.shutdown()
            thread.join()


def test_a_webhook_gets_the_notice() -> None:
    with webhook(204) as (url, received):
        post(url, NOTICE)
    assert received == [("POST", "application/json", NOTICE)]


@pytest.mark.parametrize("status", [302, 307, 404, 500])
def test_a_webhook_that_refuses_or_redirects_is_an_error(status: int) -> None:
    with webhook(status) as (url, received), pytest.raises(ServiceError) as caught:
        post(url, NOTICE)
    assert len(received) == 1
    assert "secret-path" not in str(caught.value)


def test_a_webhook_that_answers_byte_by_byte_has_a_time_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.backup.failure_notice.WEBHOOK_SECONDS", 0.4)

    pause = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _address = server.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Header: ")
            for _ in range(100):
                connection.sendall(b"x")
                pause.wait(0.05)
            connection.sendall(b"\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        with pytest.raises(Offline):
            post(f"http://127.0.0.1:{server.getsockname()[1]}/x", NOTICE)
        thread.join(2)
        assert not thread.is_alive()


def test_a_webhook_that_cannot_be_reached_is_an_error() -> None:
    with pytest.raises(Offline):
        post("http://127.0.0.1:9/x", NOTICE)
