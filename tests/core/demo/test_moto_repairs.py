"""The repaired moto removes empty folders and reports the start of unfinished uploads."""

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
