"""Many small objects are sent and downloaded at the same time, on every S3 server."""

from pathlib import Path

from core.aws.clients import ClientFactory
from core.model.objects import Verdict
from core.objects.bucket import Bucket
from core.objects.small import SmallFile, upload_many
from core.objects.small_downloads import SmallObject, download_many
from core.objects.small_loop import FEWEST


def test_small_objects_arrive_as_they_were_sent(s3_server, s3_bucket, tmp_path):
    files, objects = [], []
    for number in range(FEWEST + 3):
        path, key = tmp_path / f"{number}.txt", f"small/{number} ü&+.txt"
        path.write_bytes(b"%d " % number * number)  # the first one is empty
        files.append(SmallFile(number, str(path), key))
        target = tmp_path / "downloaded" / path.name
        objects.append(SmallObject(number, key, str(target), path.stat().st_size))
    clients = ClientFactory(s3_server.connection(s3_bucket))
    sent, received = [], []
    try:
        bucket = Bucket(clients, s3_bucket)
        assert upload_many(bucket, files, sent=lambda file, _: sent.append(file.number)) == []
        left = download_many(bucket, objects, received=received.extend)
    finally:
        clients.close()
    assert left == []
    assert (sorted(sent), {got.verdict for got in received}) == (
        list(range(FEWEST + 3)),
        {Verdict.SHA256},
    )
    for file, one in zip(files, objects, strict=True):
        assert Path(one.path).read_bytes() == (tmp_path / f"{file.number}.txt").read_bytes()
