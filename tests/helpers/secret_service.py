"""A real Secret Service (gnome-keyring) on a private message bus, for one test at a time.

`run_case` starts a child process; the child starts the daemon, does one thing with Strongroom's
vault and prints the result as JSON. Each process is ended by its parent, by its id.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PASSWORD = "the-login-password"
CANARY = "cAnArYsEcReTkEy1111111111111111111111111"
#: A bus that starts no services by itself: a service that is absent stays absent.
_QUIET_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:dir={home}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow own="*"/><allow eavesdrop="true"/>
</policy></busconfig>
"""
_ALT = '''"""Stands for keyrings.alt: keeps passwords in a file, in base64."""
import base64, pathlib
from keyring.backend import KeyringBackend

class PlaintextKeyring(KeyringBackend):
    priority = 0.5
    file = pathlib.Path.home() / "keyring_pass.cfg"

    def get_password(self, service, username):
        return base64.b64decode(self.file.read_text()).decode() if self.file.exists() else None

    def set_password(self, service, username, password):
        self.file.write_text(base64.b64encode(password.encode()).decode())

    def delete_password(self, service, username):
        self.file.unlink()
'''


def run_case(case: str, home: Path, *, bus: str = "quiet", **variables: str) -> dict[str, Any]:
    """Run one case in a child with a private HOME and return its result.

    Args:
        case: a name in `CASES`.
        home: an empty folder.
        bus: `quiet` (starts nothing by itself), `usual` (the desktop's, which starts the daemon
            again when it is requested) or `none`.
        variables: further environment variables.
    """
    command = [sys.executable, "-m", "helpers.secret_service", case]
    if bus == "usual":
        command = ["dbus-run-session", "--", *command]
    elif bus == "quiet":
        config = home / "bus.conf"
        config.write_text(_QUIET_BUS.format(home=home))
        command = ["dbus-run-session", f"--config-file={config}", "--", *command]
    paths = [str(ROOT / "tests"), str(ROOT), variables.pop("PYTHONPATH", "")]
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "STRONGROOM_HOME": str(home / "strongroom"),
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        **variables,
    }
    process = subprocess.Popen(
        command,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=15)
    finally:
        with suppress(ProcessLookupError):  # its group: what it started and did not end
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.returncode == 0, err
    output: dict[str, Any] = json.loads(out.splitlines()[-1])
    return output


def install_plaintext(folder: Path) -> str:
    """Make a package that keyring finds as it finds keyrings.alt; returns its path."""
    package = folder / "keyrings" / "alt"
    package.mkdir(parents=True)
    (package / "file.py").write_text(_ALT)
    (package / "__init__.py").touch()
    info = folder / "keyrings_alt-5.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: keyrings.alt\nVersion: 5.0\n")
    (info / "entry_points.txt").write_text("[keyring.backends]\nfile = keyrings.alt.file\n")
    return str(folder)


class Daemon:
    """gnome-keyring with an open login collection."""

    def __init__(self, *, unlock: bool = True) -> None:
        options = ["--components=secrets", "--foreground", *(["--unlock"] if unlock else [])]
        self._process = subprocess.Popen(
            ["gnome-keyring-daemon", *options], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        assert self._process.stdin is not None
        if unlock:  # creates the login collection if there is none
            self._process.stdin.write(f"{PASSWORD}\n".encode())
        self._process.stdin.close()
        wait_until(self._has_its_name)

    @staticmethod
    def _has_its_name() -> bool:
        from jeepney import DBus, DBusErrorResponse
        from jeepney.io.blocking import Proxy, open_dbus_connection

        with open_dbus_connection() as connection:
            try:
                Proxy(DBus(), connection).GetNameOwner("org.freedesktop.secrets")
            except DBusErrorResponse:
                return False
            return True

    def lock(self) -> None:
        """Lock the login collection, as a screen saver does."""
        import secretstorage

        with closing(secretstorage.dbus_init()) as connection:
            secretstorage.get_default_collection(connection).lock()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()


class CancellingPrompter:
    """Takes the place of the desktop's password prompt; its user presses Cancel each time.

    It speaks gcr's prompter protocol: the daemon asks to begin, requests a password, gets "no".
    """

    NAME = "org.gnome.keyring.SystemPrompter"

    def __init__(self) -> None:
        self.asked: list[str] = []
        ready = threading.Event()
        threading.Thread(target=self._serve, args=(ready,), daemon=True).start()
        assert ready.wait(5)

    def _serve(self, ready: threading.Event) -> None:
        from jeepney import DBus, DBusAddress, MessageType, new_method_call, new_method_return
        from jeepney.io.blocking import Proxy, open_dbus_connection

        with open_dbus_connection() as connection:
            Proxy(DBus(), connection).RequestName(self.NAME)
            ready.set()
            while True:
                message = connection.receive()
                if message.header.message_type is not MessageType.method_call:
                    continue
                fields = {field.name: value for field, value in message.header.fields.items()}
                connection.send(new_method_return(message))
                self.asked.append(fields["member"])
                if fields["member"] == "StopPrompting":
                    continue
                answer = {"BeginPrompting": "", "PerformPrompt": "no"}[fields["member"]]
                callback = DBusAddress(
                    message.body[0],
                    bus_name=fields["sender"],
                    interface="org.gnome.keyring.internal.Prompter.Callback",
                )
                connection.send(
                    new_method_call(callback, "PromptReady", "sa{sv}s", (answer, {}, ""))
                )


def wait_until(done: Callable[[], bool], seconds: float = 5.0) -> None:
    """Ask until it is so."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come to be in time"
        threading.Event().wait(0.01)


def _seen() -> dict[str, Any]:
    """Tell what the vault says now: its probe, and what becomes of loading and storing."""
    from core.errors import KeyringError
    from core.local.vault import Vault
    from core.model.connection import AccessKeys
    from core.redaction import Secret

    vault, keys = Vault(), AccessKeys("AKIAEXAMPLE", Secret(CANARY), Secret(f"token-{CANARY}"))
    state = vault.probe()
    output: dict[str, Any] = {
        "usable": state.usable,
        "backend": state.backend,
        "reason": state.reason,
    }
    acts: dict[str, Callable[[], Any]] = {
        "load": lambda: vault.load("stored") == keys or None,
        "store": lambda: vault.store("other", keys),
    }
    for name, act in acts.items():
        try:
            output[name] = {"value": act()}
        except KeyringError as error:
            output[name] = {"summary": error.summary, "cause": error.cause, "remedy": error.remedy}
    return output


def _remember() -> None:
    from core.local.vault import Vault
    from core.model.connection import AccessKeys
    from core.redaction import Secret

    keys = AccessKeys("AKIAEXAMPLE", Secret(CANARY), Secret(f"token-{CANARY}"))
    vault = Vault()
    vault.store("stored", keys)
    assert vault.load("stored") == keys
    assert vault.load("never stored") is None
    vault.store("dropped", keys)
    vault.delete("dropped")
    assert vault.load("dropped") is None


def _with_daemon(then: Callable[[Daemon], None], *, keep: bool = True) -> dict[str, Any]:
    daemon = Daemon()
    try:
        if keep:
            _remember()
        then(daemon)
        return _seen()
    finally:
        daemon.kill()


def _dismissed() -> dict[str, Any]:
    prompter = CancellingPrompter()
    output = _with_daemon(lambda daemon: daemon.lock())
    return {**output, "asked": prompter.asked}


def _read_only(*, keep: bool) -> dict[str, Any]:
    """Open, read and delete as the window does before anything is stored."""
    from core.errors import KeyringError
    from core.local.vault import Vault

    prompter, daemon = CancellingPrompter(), Daemon(unlock=keep)
    try:
        if keep:
            _remember()
            daemon.lock()
        vault = Vault()
        output: dict[str, Any] = {"usable": vault.probe().usable, "after_probe": [*prompter.asked]}
        if not keep:
            output["load"] = vault.load("never stored")
            vault.delete("never stored")
        output["asked"] = [*prompter.asked]
        with suppress(KeyringError):  # the user cancels
            _remember()
        return {**output, "asked_to_store": [*prompter.asked]}
    finally:
        daemon.kill()


CASES: dict[str, Callable[[], dict[str, Any]]] = {
    "open": lambda: _with_daemon(lambda _daemon: None),
    "locked": lambda: _with_daemon(lambda daemon: daemon.lock()),
    "killed": lambda: _with_daemon(lambda daemon: daemon.kill()),
    "dismissed": _dismissed,
    "unused": lambda: _with_daemon(lambda _daemon: None, keep=False),
    "bare": _seen,
    "without a collection": lambda: _read_only(keep=False),
    "only probed": lambda: _read_only(keep=True),
}

if __name__ == "__main__":
    print(json.dumps(CASES[sys.argv[1]]()))  # noqa: T201 - it is read by the test
