"""Many small files are sent at the same time."""

import base64
import hashlib
import threading

import pytest
from helpers.fault_proxy import rule
from helpers.object_server import Server, bucket_at
from helpers.stub_server import StubServer

from core.aws.request_signer import RequestSigner
from core.errors import Cancelled
from core.model.objects import Verdict
from core.objects.reading import read
from core.objects.small import SmallFile, upload_many
from core.objects.small_loop import FEWEST
from core.work import CancelToken, Work


@pytest.fixture
def files(tmp_path):
    found = []
    for number in range(2 * FEWEST):
        path = tmp_path / f"{number}"
        path.write_bytes(b"%d" % number * 50)
        found.append(SmallFile(number, str(path), f"small/{tmp_path.name}/{number} ü.txt"))
    return found


def test_what_arrives_is_confirmed(bucket, files):
    sent = []
    assert upload_many(bucket, files, sent=lambda file, written: sent.append((file, written))) == []
    assert sorted(file.number for file, _ in sent) == list(range(len(files)))
    assert {written.verdict for _, written in sent} == {Verdict.MD5}
    assert read(bucket, files[7].key) == b"7" * 50


def test_larger_files_are_hashed_ahead_and_unreadable_ones_returned(bucket, files, tmp_path):
    larger = []
    for file in files:
        content = b"%d" % file.number * 40_000
        (tmp_path / f"{file.number}").write_bytes(content)
        larger.append(file._replace(size=len(content)))
    (tmp_path / "9").unlink()
    (tmp_path / "5").write_bytes(b"5")  # another size than planned
    sent = []
    left = upload_many(bucket, larger, sent=lambda file, _: sent.append(file.number))
    assert [file.number for file in left] == [9]
    assert sorted(sent) == [number for number in range(len(files)) if number != 9]
    assert read(bucket, files[7].key) == b"7" * 40_000
    assert read(bucket, files[5].key) == b"5"


def test_the_server_can_verify_each_request(bucket, files, monkeypatch):
    announced = {}
    signed = RequestSigner.signed

    def recording(signer, method, key, headers, *rest):
        announced[key] = headers.get("content-md5"), headers.get("x-amz-checksum-sha256")
        return signed(signer, method, key, headers, *rest)

    monkeypatch.setattr(RequestSigner, "signed", recording)
    upload_many(bucket, files, sent=lambda *_: None)
    for file in files:
        md5 = hashlib.md5(b"%d" % file.number * 50).digest()
        assert announced[file.key] == (base64.b64encode(md5).decode(), None)


def test_few_files_are_left_to_the_ordinary_path(bucket, files):
    assert upload_many(bucket, files[:3], sent=print) == files[:3]


def test_nothing_is_overwritten(bucket, files):
    upload_many(bucket, files[:1] * FEWEST, sent=lambda *_: None)
    sent = []
    left = upload_many(bucket, files, sent=lambda file, _: sent.append(file), only_new=True)
    assert files[0] in left
    assert len(sent) + len(left) == len(files)


@pytest.mark.parametrize("opaque", [False, True])
def test_what_arrives_damaged_is_handed_back(files, opaque):
    server = Server(damages=0 if opaque else 3, opaque=opaque)
    with StubServer(server) as stub, bucket_at(stub.url) as bucket:
        sent = []
        left = upload_many(bucket, files, sent=lambda file, _: sent.append(file))
    assert len(sent) + len(left) == len(files)
    assert len(left) >= (len(files) if opaque else 3)
    for file in sent:
        assert server.objects[f"/b/{file.key}".replace(" ", "%20").replace("ü", "%C3%BC")]


def test_a_cancel_ends_a_stalled_upload(damaged, files):
    token, outcome = CancelToken(), []
    with damaged(rule("Put", "stall_before")) as (bucket, proxy):

        def upload():
            try:
                upload_many(bucket, files, sent=lambda *_: None, work=Work(token))
            except Cancelled:
                outcome.append("cancelled")

        thread = threading.Thread(target=upload)
        thread.start()
        while "Put" not in proxy.seen:
            threading.Event().wait(0.02)
        token.cancel()
        thread.join(6)  # two seconds on an idle machine
    assert outcome == ["cancelled"]
