"""The recovery kit reads a bucket over HTTP, and names what is missing in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from helpers.backups import MemoryStore, backed_up
from helpers.moto_bucket import moto_bucket
from helpers.recovery import run_kit

pytestmark = pytest.mark.skipif(not shutil.which("zstd"), reason="zstd is not installed")


def test_backups_are_listed_and_checked_over_http(path: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    backup = backed_up(store, path, "orders")
    with moto_bucket() as bucket:
        for key, data in store.objects.items():
            bucket.clients.s3().put_object(Bucket=bucket.name, Key=key, Body=data)
        place = ("--bucket", bucket.name, "--endpoint-url",
                 bucket.clients.connection.profile.endpoint_url)  # fmt: skip
        keys = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "moto-secret-key"}
        listed = run_kit(tmp_path / "kit", "list", *place, **keys)
        checked = run_kit(tmp_path / "kit", "check", "orders", *place, **keys)
        part = next(key for key in store.objects if key.endswith(".zst"))
        bucket.clients.s3().delete_object(Bucket=bucket.name, Key=part)
        incomplete = run_kit(tmp_path / "kit", "check", "orders", *place, **keys)
        elsewhere = run_kit(tmp_path / "kit", "list", "--bucket", "no-such", *place[2:], **keys)
    assert listed.returncode == 0, listed.stderr
    assert f"\torders\t{backup.id}\t500 rows, SQLite" in listed.stdout
    assert checked.returncode == 0, checked.stderr
    assert "Every hash matches" in checked.stdout
    assert incomplete.returncode == 40
    assert f"part-00000.jsonl.zst of the backup {backup.id} is missing." in incomplete.stderr
    assert "Choose another backup with --id." in incomplete.stderr
    assert "Check the name of the bucket" in elsewhere.stderr
    assert run_kit(tmp_path / "kit", "list", *place).returncode == 2
