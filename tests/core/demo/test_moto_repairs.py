from helpers.moto_bucket import moto_bucket

from core.demo.moto_repairs import repair_moto
from core.objects.deleting import delete_many
from core.objects.level import list_level
from core.objects.writing import put


def test_a_folder_goes_with_its_last_object():
    repair_moto()
    with moto_bucket(versioned=True) as bucket:
        for key in ("a/x", "a/y", "b/z"):
            put(bucket, key, b"1")
        delete_many(bucket, ["a/x"])
        assert list_level(bucket).folders == ("a/", "b/")
        delete_many(bucket, ["a/y"])
        assert list_level(bucket).folders == ("b/",)
