"""Links and forms as their receiver uses them, on every server and without credentials."""

import csv
import io
import json
import os
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from datetime import timedelta

import pytest
import segno
from helpers.moto_bucket import moto_bucket

from core.errors import InvalidInput
from core.links import render
from core.links.check import check_link
from core.links.ledger import Ledger
from core.links.make import FORM, make_forms, make_links
from core.links.options import LinkOptions, disposition
from core.links.revocation import deny_statement
from core.objects import deleting, reading, writing
from core.objects.post_form import UploadLimits
from core.units import utc_now
from core.workspace import Workspace

BOUNDARY = "x" + os.urandom(8).hex()


@pytest.fixture
def bucket(s3_server, s3_bucket):
    workspace = Workspace.open(s3_server.connection(s3_bucket))
    yield workspace.bucket
    workspace.close()


@pytest.fixture
def embedded():
    with moto_bucket() as made:
        yield made


def answer(request) -> tuple[int, dict[str, str], bytes]:
    """Send a request as a program without credentials does; return status, headers and body."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as reply:
            return reply.status, {k.lower(): v for k, v in reply.headers.items()}, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {}, error.read()


def sent_form(link, name: str, content: bytes, **changed: str) -> int:
    """Send a form as a browser does; return the status."""
    body = io.BytesIO()
    for field, value in (link.form.revealed_fields() | changed).items():
        body.write(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n'
            f"{value}\r\n".encode()
        )
    body.write(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: text/plain\r\n\r\n".encode()
        + content
        + f"\r\n--{BOUNDARY}--\r\n".encode()
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    data = body.getvalue()
    return answer(urllib.request.Request(link.url.reveal(), data, headers))[0]


def stored(client, bucket, key) -> bytes | None:
    try:
        return client.get_object(Bucket=bucket.name, Key=key)["Body"].read()
    except client.exceptions.NoSuchKey:
        return None


def test_a_form_stores_the_file_within_its_limits(bucket, s3_client, tmp_path):
    ledger = Ledger(tmp_path)
    (form,) = make_forms(
        bucket, ["in/a b+ü.csv"], limits=UploadLimits(10, 2, "text/csv"), ledger=ledger
    )
    assert sent_form(form, "x", b"12345678901") // 100 == 4
    assert sent_form(form, "x", b"1") // 100 == 4
    assert stored(s3_client, bucket, "in/a b+ü.csv") is None
    assert sent_form(form, "x", b"a,b\n") in {200, 204}
    found = s3_client.get_object(Bucket=bucket.name, Key="in/a b+ü.csv")
    assert (found["Body"].read(), found["ContentType"]) == (b"a,b\n", "text/csv")
    assert [(one.key, one.method) for one in ledger.read().entries] == [("in/a b+ü.csv", FORM)]


def test_a_form_below_a_prefix_uses_the_name_of_the_file(bucket, s3_client):
    (form,) = make_forms(bucket, ["from-partner/"])
    assert sent_form(form, "report.csv", b"content") in {200, 204}
    assert stored(s3_client, bucket, "from-partner/report.csv") == b"content"
    assert sent_form(form, "x", b"content", key="elsewhere/x") // 100 == 4
    assert stored(s3_client, bucket, "elsewhere/x") is None


def test_a_form_with_a_changed_signature_is_refused(bucket, s3_client):
    (form,) = make_forms(bucket, ["in/x"])
    assert sent_form(form, "x", b"content", **{"x-amz-signature": "0" * 64}) == 403
    assert stored(s3_client, bucket, "in/x") is None


def test_a_download_has_the_chosen_name_and_type(bucket):
    writing.put(bucket, "data/report.bin", b"content")
    options = LinkOptions(name='Bericht "ü" 1.csv', content_type="text/csv")
    (link,) = make_links(bucket, ["data/report.bin"], options=options)
    status, headers, body = answer(link.url.reveal())
    assert (status, body) == (200, b"content")
    assert headers["content-type"].startswith("text/csv")
    assert headers["content-disposition"] == disposition('Bericht "ü" 1.csv')


def test_each_download_has_the_name_of_its_key(bucket):
    for key in ("a/one.txt", "b/two.txt"):
        writing.put(bucket, key, key.encode())
    links = make_links(bucket, ["a/one.txt", "b/two.txt"], options=LinkOptions(download=True))
    for link, name in zip(links, ("one.txt", "two.txt"), strict=True):
        _, headers, body = answer(link.url.reveal())
        assert body == link.key.encode()
        assert f'filename="{name}"' in headers["content-disposition"]


def test_a_link_to_a_version_is_one_to_exactly_that_version(bucket, s3_client, tmp_path):
    s3_client.put_bucket_versioning(
        Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"}
    )
    first = s3_client.put_object(Bucket=bucket.name, Key="x", Body=b"first")["VersionId"]
    s3_client.put_object(Bucket=bucket.name, Key="x", Body=b"second")
    ledger, options = Ledger(tmp_path), LinkOptions(version_id=first)
    (pinned,) = make_links(bucket, ["x"], options=options, ledger=ledger)
    (latest,) = make_links(bucket, ["x"])
    assert (answer(pinned.url.reveal())[2], answer(latest.url.reveal())[2]) == (b"first", b"second")
    assert check_link(pinned, bucket=bucket).explanation == "works"
    s3_client.delete_object(Bucket=bucket.name, Key="x")
    (again,) = make_links(bucket, ["x"], options=options)
    assert (again.exists, again.warnings) == (True, ())
    s3_client.delete_object(Bucket=bucket.name, Key="x", VersionId=first)
    (gone,) = make_links(bucket, ["x"], options=options)
    assert (gone.exists, gone.warnings) == (
        False, ("the object does not have this version: the link does not work",)
    )  # fmt: skip


def test_an_upload_link_requires_its_content_type(bucket, s3_client):
    (link,) = make_links(bucket, ["x"], method="PUT", options=LinkOptions(content_type="text/csv"))

    def put(kind: str) -> int:
        request = urllib.request.Request(
            link.url.reveal(), b"content", {"Content-Type": kind}, method="PUT"
        )
        return answer(request)[0]

    assert put("text/html") == 403
    assert stored(s3_client, bucket, "x") is None
    assert put("text/csv") == 200
    assert stored(s3_client, bucket, "x") == b"content"


def test_a_link_and_a_form_end_at_their_time(bucket):
    writing.put(bucket, "x", b"content")
    (link,), (form,) = make_links(bucket, ["x"], seconds=2), make_forms(bucket, ["y"], seconds=2)
    assert answer(link.url.reveal())[0] == 200
    # No server can be given another clock.
    threading.Event().wait(max((form.expires - utc_now()).total_seconds(), 0) + 1.1)
    assert (answer(link.url.reveal())[0], sent_form(form, "y", b"content")) == (403, 403)


def deny(bucket, entry):
    policy = {"Version": "2012-10-17", "Statement": [deny_statement(entry)]}
    bucket.client.put_bucket_policy(Bucket=bucket.name, Policy=json.dumps(policy))


@pytest.mark.parametrize("s3_server", ["demo"], indirect=True)  # the others have no s3:authType
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_a_policy_with_the_statement_refuses_the_links_of_one_object_only(bucket, tmp_path, method):
    keys, ledger = ["a*b?$c.csv", "a1b2$c.csv"], Ledger(tmp_path)
    for key in keys:
        writing.put(bucket, key, b"content")
    links = make_links(bucket, keys, method=method, ledger=ledger)
    # The ledger does not have the version of a link, and it needs another permission.
    pinned = make_links(bucket, keys[:1], options=LinkOptions(version_id="null"))[0].url.reveal()
    assert answer(pinned)[0] == 200

    def statuses():
        body = b"new" if method == "PUT" else None
        urls = [link.url.reveal() for link in links]
        return [answer(urllib.request.Request(url, body, method=method))[0] for url in urls]

    works = 204 if method == "DELETE" else 200
    assert statuses() == [works, works]
    deny(bucket, next(one for one in ledger.read().entries if one.key == keys[0]))
    assert statuses() == [403, works]
    if method in {"GET", "HEAD"}:
        assert answer(pinned)[0] == 403
    # Programs with their own keys are not affected.
    writing.put(bucket, keys[0], b"by a program")
    assert reading.read(bucket, keys[0]) == b"by a program"
    deleting.delete(bucket, keys[0])


@pytest.mark.parametrize("s3_server", ["demo"], indirect=True)
def test_a_policy_with_the_statement_refuses_the_form(bucket, tmp_path):
    ledger = Ledger(tmp_path)
    (form,) = make_forms(bucket, ["x"], ledger=ledger)
    assert sent_form(form, "y", b"content") == 204
    deny(bucket, ledger.read().entries[0])
    assert sent_form(form, "y", b"content") == 403
    writing.put(bucket, "x", b"by a program")


def test_a_planned_rotation_ends_links_and_forms(embedded):
    soon = utc_now() + timedelta(minutes=30)
    (link,) = make_links(embedded, ["x"], seconds=7200, key_ends=soon)
    (form,) = make_forms(embedded, ["x"], seconds=7200, key_ends=soon)
    for one in (link, form):
        assert one.expires <= soon
        assert "a rotation deactivates the access key" in one.limited_by
    (short,) = make_links(embedded, ["x"], seconds=60, key_ends=soon)
    assert short.limited_by == ""
    (overdue,) = make_links(embedded, ["x"], key_ends=utc_now() - timedelta(minutes=1))
    assert "at any time" in overdue.limited_by
    assert not overdue.expiry_known


@pytest.mark.parametrize(
    ("options", "method", "keys"),
    [
        (LinkOptions(name="x"), "PUT", ["a"]),
        (LinkOptions(version_id="1"), "GET", ["a", "b"]),
        (LinkOptions(name="x"), "GET", ["a", "b"]),
        (LinkOptions(name="x\r\ny: z"), "GET", ["a"]),
    ],
)
def test_options_that_contradict_are_refused(embedded, tmp_path, options, method, keys):
    ledger = Ledger(tmp_path)
    with pytest.raises(InvalidInput):
        make_links(embedded, keys, method=method, options=options, ledger=ledger)
    assert ledger.read().entries == ()


@pytest.mark.parametrize("limits", [UploadLimits(-1), UploadLimits(1, 2), UploadLimits(6 << 30)])
def test_impossible_limits_are_refused(embedded, limits):
    with pytest.raises(InvalidInput):
        make_forms(embedded, ["x"], limits=limits)


HOSTILE = '<script>alert("x")</script>`[a](b)\n@=1.csv'


def test_keys_are_text_in_every_format(embedded):
    links = (*make_links(embedded, [HOSTILE]), *make_forms(embedded, [HOSTILE]))
    page = render.as_html(links)
    assert "<script" not in page
    assert page.count("<form") == 1
    # A line of a code block is text; anything else must be escaped.
    lines = render.as_markdown(links).splitlines()
    assert all(
        line.startswith("      curl ") for line in lines if "<script" in line and "\\<" not in line
    )
    assert len(lines) == 4
    (row, form) = list(csv.DictReader(io.StringIO(render.as_csv(links))))
    assert (row["key"], form["method"]) == (HOSTILE, "POST")


def test_the_command_of_a_form_uploads_the_file(bucket, s3_client, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    (form,) = make_forms(bucket, ["in/it's\t100 %\n@ü.csv"])
    (tmp_path / "FILE").write_bytes(b"a,b\n")
    command = render.as_text([form])
    assert "\n" not in command
    subprocess.run(["bash", "-c", f"{command} -sSf --noproxy '*'"], cwd=tmp_path, check=True)
    assert stored(s3_client, bucket, form.key) == b"a,b\n"


def test_a_qr_code_contains_the_link(embedded):
    (link,) = make_links(embedded, ["x"])
    code = render.qr_code(link)
    assert code.matrix == segno.make(link.url.reveal(), error="l", micro=False).matrix
    (form,) = make_forms(embedded, ["x"])
    with pytest.raises(InvalidInput, match="no QR code"):
        render.qr_code(form)


def test_nothing_of_a_link_or_form_is_shown_by_accident(embedded):
    (link,), (form,) = make_links(embedded, ["x"]), make_forms(embedded, ["x"])
    fields = form.form.revealed_fields()
    shown = f"{link} {link!r} {form} {form!r}"
    assert fields["policy"] not in shown
    assert fields["x-amz-signature"] not in shown
    assert "X-Amz-Signature" not in shown
