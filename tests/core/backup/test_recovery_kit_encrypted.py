"""The recovery kit reads encrypted backups with the standard library and OpenSSL."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from helpers.backups import MemoryStore, sql
from helpers.bare_root import BareRoot
from helpers.keyrings import MemoryKeyring, memory_keyring
from helpers.recovery import copied, run_kit

from core.backup import manifest as manifests
from core.backup import recovery_kit
from core.backup.databases import open_database
from core.backup.encryption_keys import BackupKey, create_key
from core.backup.recovery_kit.script import encryption as script
from core.backup.recovery_kit.script.failures import KitError
from core.backup.run import back_up
from core.cli import main
from core.redaction import Secret
from core.work import Work

NAME = "keyring:main"


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    yield from memory_keyring(monkeypatch)


@pytest.fixture
def key(keyring: MemoryKeyring) -> BackupKey:
    return create_key(None, name=NAME)


@pytest.fixture
def folder(store: MemoryStore, path: Path, key: BackupKey, tmp_path: Path) -> Path:
    """A copy of a bucket with an encrypted backup of the table `orders`."""
    with open_database(str(path)) as source:
        back_up(store, source, ["orders"], "", Work(), key=key)
    return copied(store, tmp_path / "copy")


def part_of(folder: Path) -> Path:
    return next(folder.rglob("part-*"))


@pytest.mark.parametrize("form", ["base64", "secret"])
def test_a_table_comes_back_with_a_key_file(
    folder: Path, key: BackupKey, path: Path, tmp_path: Path, form: str
) -> None:
    text = key.key.reveal()
    file = tmp_path / "key"
    file.write_text(text + "\n" if form == "base64" else json.dumps({"backup_key": text}))
    kit, target = tmp_path / "kit", tmp_path / "new.db"
    listed = run_kit(kit, "list", "--folder", folder)
    assert "500 rows, SQLite" in listed.stdout
    assert f"encrypted with {NAME}" in listed.stdout
    done = run_kit(
        kit, "restore", "orders", "--folder", folder, "--sqlite", target, "--key-file", file
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sql(target, "SELECT * FROM orders") == sql(path, "SELECT * FROM orders")
    assert text not in listed.stdout + done.stdout


def test_the_kit_contains_the_key_on_request_only(
    folder: Path, key: BackupKey, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kit = tmp_path / "kit"
    assert main(["recovery-kit", str(kit / "without")]) == 0
    assert main(["recovery-kit", str(kit / "with"), "--include-key", NAME]) == 0
    output = capsys.readouterr()
    assert "keys.json contains the key" in output.err
    assert key.key.reveal() not in output.out + output.err
    files = [file for file in kit.rglob("*") if file.is_file()]
    found = [file for file in files if key.key.reveal() in file.read_text()]
    assert [file.name for file in found] == ["keys.json"]
    assert stat.S_IMODE(found[0].stat().st_mode) == 0o600
    assert run_kit(kit / "with", "check", "orders", "--folder", folder).returncode == 0
    refused = run_kit(kit / "without", "check", "orders", "--folder", folder)
    assert refused.returncode == 20
    assert f"encrypted with {NAME}" in refused.stderr
    assert "--key-file" in refused.stderr


def test_a_file_with_another_key_is_named_and_the_right_key_may_have_another_name(
    folder: Path, key: BackupKey, tmp_path: Path
) -> None:
    """The error was that of a command without a file: name the file with the key."""
    file, other = tmp_path / "keys.json", base64.b64encode(os.urandom(32)).decode()
    file.write_text(json.dumps({"secret:other": other}))
    check = ("check", "orders", "--folder", folder, "--key-file", file)
    refused = run_kit(tmp_path / "kit", *check)
    assert refused.returncode == 20
    assert f"{file} does not contain the key {NAME} that" in refused.stderr
    assert "The check value of the key" in refused.stderr
    file.write_text(json.dumps({"secret:other": other, "secret:renamed": key.key.reveal()}))
    assert run_kit(tmp_path / "kit", *check).returncode == 0


def test_a_former_key_is_found_although_another_one_has_its_name(tmp_path: Path) -> None:
    former, present = (os.urandom(32) for _ in range(2))
    names = {NAME: present, f"{NAME}.former": former}
    file = tmp_path / "keys.json"
    file.write_text(
        json.dumps({name: base64.b64encode(key).decode() for name, key in names.items()})
    )
    keys = script.keys_from(str(file), tmp_path)
    for key in (former, present):
        check = BackupKey(NAME, Secret(base64.b64encode(key).decode())).check
        assert keys.of(NAME, check) == key
    with pytest.raises(KitError, match="does not contain the key"):
        keys.of(NAME, "0" * 16)


def test_a_key_that_does_not_exist_is_not_included(
    keyring: MemoryKeyring, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recovery-kit", str(tmp_path / "kit"), "--include-key", NAME]) == 20
    assert not (tmp_path / "kit").exists()


@pytest.mark.parametrize("damage", ["flipped", "cut", "manifest", "wrapped_key", "hidden", "other"])
def test_a_forged_backup_is_refused_before_anything_is_written(
    folder: Path, key: BackupKey, tmp_path: Path, damage: str
) -> None:
    part, manifest = part_of(folder), next(folder.rglob("_manifest.json"))
    body = json.loads(manifest.read_bytes())
    data = part.read_bytes()
    if damage in {"flipped", "cut"}:
        data = data[:-1] + (bytes([data[-1] ^ 1]) if damage == "flipped" else b"")
        part.write_bytes(data)
    elif damage == "manifest":
        body["note"] = "forged"
    elif damage in {"wrapped_key", "hidden"}:
        body["encryption"][damage] = base64.b64encode(b"x" * 60).decode()
    if damage != "flipped":
        body["parts"][0]["size"] = len(data)
        body["parts"][0]["sha256"] = hashlib.sha256(data).hexdigest()
    body["sha256"] = manifests._own_hash(body)
    manifest.write_text(json.dumps(body))
    used = create_key(None, name="keyring:2") if damage == "other" else key
    (tmp_path / "key").write_text(used.key.reveal())
    done = run_kit(
        tmp_path / "kit", "restore", "orders", "--folder", folder, "--sqlite", tmp_path / "new.db",
        "--key-file", tmp_path / "key",
    )  # fmt: skip
    assert done.returncode == (20 if damage == "other" else 40), done.stderr
    assert not (tmp_path / "new.db").exists()
    assert "Traceback" not in done.stderr


def test_openssl_decrypts_what_the_program_encrypts() -> None:
    key, nonce, context = bytes(32), bytes(12), b"context"
    for text in (b"", b"x", bytes(1000)):
        data = AESGCM(key).encrypt(nonce, text, context)
        assert script.decrypted(key, nonce, data, context) == text
        assert script.decrypted(key, nonce, data[:-1] + bytes([data[-1] ^ 1]), context) is None
        assert script.decrypted(key, nonce, data, b"other") is None
        assert script.decrypted(b"k" * 32, nonce, data, context) is None
    assert script.decrypted(key, nonce, b"short", context) is None


def test_long_parts_are_passed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "_PIECE_BYTES", 64)
    text = bytes(range(256)) * 3 + b"end"
    data = AESGCM(bytes(32)).encrypt(bytes(12), text, b"")
    assert script.decrypted(bytes(32), bytes(12), data, b"") == text


def test_a_machine_without_openssl_is_an_error_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(script, "_places", lambda: iter(["libnothing.so", "libc.so.6"]))
    with pytest.raises(KitError, match="libcrypto") as caught:
        script.decrypted(bytes(32), bytes(12), bytes(20), b"")
    assert caught.value.code == 25
    assert "LIBCRYPTO" in caught.value.remedy


def test_openssl_is_searched_where_systems_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBCRYPTO", "/opt/libcrypto.so")
    assert next(iter(script._places())) == "/opt/libcrypto.so"
    monkeypatch.setattr(script, "sys", SimpleNamespace(platform="darwin", base_prefix="/usr"))
    places = list(script._places())
    assert "libcrypto.so.3" not in places
    assert "/opt/homebrew/opt/openssl@3/lib/libcrypto.dylib" in places


@pytest.mark.parametrize("text", ["", "no key", "[1]", '{"a": 1}', '{"backup_key": "eHg="}', "{}"])
def test_a_file_without_a_key_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(KitError, match="does not contain a key"):
        script.keys_from("", tmp_path)


def test_the_error_names_the_command_that_reads_the_secret() -> None:
    with pytest.raises(KitError) as caught:
        script.Keys({}).of("secret:cryptotrading/key", "00")
    assert "--secret-id cryptotrading/key" in caught.value.remedy


def test_the_example_of_the_page_decrypts_a_part(
    folder: Path, key: BackupKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", recovery_kit.page_text(), re.DOTALL)
    (example,) = (block for block in blocks if "AESGCM" in block)
    part = part_of(folder)
    monkeypatch.chdir(part.parent)
    Path("key.txt").write_text(key.key.reveal())
    exec(compile(example, "FORMAT.md", "exec"), {})
    data = part.with_suffix("").read_bytes()
    assert zstandard.decompress(data, 1 << 20).count(b"\n") == 500


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are a part of Linux")
def test_a_bare_machine_decrypts_with_the_openssl_of_python(
    store: MemoryStore, folder: Path, key: BackupKey, path: Path, tmp_path: Path
) -> None:
    bare = BareRoot(tmp_path / "bare")
    copied(store, bare.work / "copy")
    (bare.work / "key").write_text(key.key.reveal())
    done = bare.run(
        "restore", "orders", "--folder", "/inside/copy", "--sqlite", "/inside/new.db",
        "--key-file", "/inside/key",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert sql(bare.work / "new.db", "SELECT * FROM orders") == sql(path, "SELECT * FROM orders")
