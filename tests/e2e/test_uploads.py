"""A folder is planned, uploaded, and compared with hashes in the window."""

import hashlib

BUCKET = "tentimecrypto"


def make_folder(folder, count=60):
    """A folder with a sub-folder, odd names, an empty file and one that goes in parts."""
    folder.mkdir()
    (folder / "deep er").mkdir()
    files = {f"candles {number:03}.json": b'{"n": %d}' % number for number in range(count)}
    files |= {
        "deep er/ümlaut & co.csv": b"a;b\n",
        "empty.txt": b"",
        "large.bin": b"0123" * 3_000_000,
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return files


def stored_under(client, prefix):
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return {each["Key"]: each["Size"] for page in pages for each in page.get("Contents", ())}


def test_upload_a_folder(program, user, demo_s3, demo_prefix, tmp_path):
    files = make_folder(tmp_path / "reports")
    program.context.go("uploads", (demo_prefix, (str(tmp_path / "reports"),)))
    tab = program.window.tab("uploads")
    user.press(f"Upload {len(files)} files", tab)
    user.until(lambda: tab.pane.model.batches and not tab.pane.model.batches[0].active)

    stored = stored_under(demo_s3, demo_prefix)
    assert stored == {f"{demo_prefix}reports/{name}": len(data) for name, data in files.items()}
    for name in ("large.bin", "deep er/ümlaut & co.csv"):
        found = demo_s3.get_object(Bucket=BUCKET, Key=f"{demo_prefix}reports/{name}")
        assert found["Body"].read() == files[name]
        assert found["Metadata"]["sha256"] == hashlib.sha256(files[name]).hexdigest()
    uploads = demo_s3.list_multipart_uploads(Bucket=BUCKET, Prefix=demo_prefix)
    assert not uploads.get("Uploads")

    browser = program.window.show_tab("browser", f"{demo_prefix}reports/")
    assert user.row(browser.folder.table, "large.bin").isValid()
