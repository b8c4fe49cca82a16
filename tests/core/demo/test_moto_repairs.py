"""The repaired moto removes empty folders, and reports the start of uploads and all owners."""

from datetime import timedelta

from helpers.moto_bucket import moto_bucket

from core.demo.moto_repairs import repair_moto
from core.objects.deleting import delete_many
from core.objects.level import list_level
from core.objects.multipart import list_uploads
from core.objects.unfinished import create
from core.objects.writing import put
from core.units import utc_now
from core.work import Work


def test_a_folder_goes_with_its_last_object():
    repair_moto()
    with moto_bucket(versioned=True) as bucket:
        for key in ("a/x", "a/y", "b/z"):
            put(bucket, key, b"1")
        delete_many(bucket, ["a/x"])
        assert list_level(bucket).folders == ("a/", "b/")
        delete_many(bucket, ["a/y"])
        assert list_level(bucket).folders == ("b/",)


def test_an_unfinished_upload_has_the_date_of_its_beginning():
    repair_moto()
    with moto_bucket() as bucket:
        for key in ("b", "a"):
            create(bucket, {"Bucket": bucket.name, "Key": key}, Work())
        found = list(list_uploads(bucket))
        assert [each.key for each in found] == ["a", "b"]
        assert all(abs(utc_now() - each.began) < timedelta(minutes=1) for each in found)


def test_only_the_owner_has_access_to_an_object_of_parts():
    with moto_bucket() as bucket:
        s3, place = bucket.clients.s3(), {"Bucket": bucket.name, "Key": "a"}
        upload = {**place, "UploadId": s3.create_multipart_upload(**place)["UploadId"]}
        tag = s3.upload_part(**upload, PartNumber=1, Body=b"1")["ETag"]
        parts = [{"PartNumber": 1, "ETag": tag}]
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        grants = s3.get_object_acl(**place)["Grants"]
        assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL"]
