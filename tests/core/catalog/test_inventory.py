"""Reports of S3 Inventory are searched as they are, and can be the start of a catalogue."""

import gzip
import hashlib
import json

import pytest
from helpers.listed_bucket import ListedBucket

from core.catalog.catalog import open_catalog
from core.catalog.database import connect
from core.catalog.inventory import import_inventory, search_inventory
from core.catalog.query_text import parse_query
from core.catalog.refresh import refresh
from core.errors import InvalidInput
from core.work import Work

CANDLE = "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T10:00:00Z.json"
ROWS = f"""
    ('bucket', '{CANDLE}', true, false, 12, TIMESTAMP '2024-02-01 00:00:00', 'abc', 'STANDARD'),
    ('bucket', 'a b+%2F.txt', true, false, 3, TIMESTAMP '2024-02-03 00:00:00', 'def', 'GLACIER'),
    ('bucket', 'old.txt', false, false, 4, TIMESTAMP '2024-01-01 00:00:00', 'x', 'STANDARD'),
    ('bucket', 'deleted.txt', true, true, NULL, TIMESTAMP '2024-01-01 00:00:00', NULL, NULL)
"""


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "report.parquet"
    with connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM (VALUES {ROWS}) AS t(bucket, key, is_latest, is_delete_marker, "
            f"size, last_modified_date, e_tag, storage_class)) TO '{path}' (FORMAT parquet)"
        )
    return path


def test_a_report_is_searched_without_a_catalogue(report):
    table = search_inventory([report], Work())
    assert len(table.search(parse_query(""), "", Work())) == 2
    (row,) = table.search(parse_query("kind:ohlcv"), "", Work()).page(0, 10)
    assert (row.key, row.size, row.symbol, row.timeframe) == (CANDLE, 12, "BTC-USD", "1h")
    assert len(table.search(parse_query("class:glacier"), "", Work())) == 1


def test_a_report_becomes_the_catalogue_and_a_refresh_adds_what_is_newer(report, monkeypatch):
    bucket = ListedBucket({CANDLE: 12, "new.txt": 5}).use(monkeypatch)
    found = import_inventory(bucket, Work(), paths=[str(report)], prefix="")
    assert (found.objects, found.added, found.requests) == (2, 2, 0)
    state = open_catalog(bucket).state
    assert state.source == "inventory"
    assert f"{state.listed_for('').recent:%Y-%m-%d}" == "2024-02-03"
    assert not bucket.requests
    later = refresh(bucket, Work())
    assert (later.added, later.removed) == (1, 1)
    assert open_catalog(bucket).state.source == "listing"


def test_a_report_of_another_bucket_or_another_file_is_refused(report, tmp_path, monkeypatch):
    bucket = ListedBucket(name="other").use(monkeypatch)
    with pytest.raises(InvalidInput, match="is of the bucket bucket"):
        import_inventory(bucket, Work(), paths=[str(report)])
    path = tmp_path / "other.parquet"
    with connect() as connection:
        connection.execute(f"COPY (SELECT 1 AS key) TO '{path}' (FORMAT parquet)")
    with pytest.raises(InvalidInput, match="not a report"):
        search_inventory([path], Work())
    path.write_bytes(b"text")
    with pytest.raises(InvalidInput):
        search_inventory([path], Work())


_FIELDS = ("bucket", "key", "size", "last_modified_date")


def write(folder, name, keys, day="2024-06-20"):
    """Write a file of a report in Parquet."""
    path = folder / name
    rows = ", ".join(f"('bucket', '{key}', 1, TIMESTAMP '{day} 00:00:00')" for key in keys)
    with connect() as connection:
        sql = f"SELECT * FROM (VALUES {rows}) AS t({', '.join(_FIELDS)})"
        connection.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet)")
    return path


def manifest_of(folder, files, schema="message s3.inventory {}", form="Parquet"):
    """Write the manifest of files as S3 does: it has no prefix."""
    path = folder / "manifest.json"
    named = [
        {
            "key": f"reports/bucket/daily/data/{file.name}",
            "size": file.stat().st_size,
            "MD5checksum": hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest(),
        }
        for file in files
    ]
    document = {
        "sourceBucket": "bucket", "destinationBucket": "arn:aws:s3:::reports",
        "version": "2016-11-30", "creationTimestamp": "1514944800000", "fileFormat": form,
        "fileSchema": schema, "files": named,
    }  # fmt: skip
    path.write_text(json.dumps(document))
    return path


def keys_of(bucket):
    """Return the keys of the catalogue."""
    catalog = open_catalog(bucket)
    found = catalog.search(parse_query(""), work=Work())
    return [row.key for row in found.page(0, len(found))]


@pytest.fixture
def stored(monkeypatch):
    """A bucket whose catalogue has keys of two folders."""
    bucket = ListedBucket({"a/1": 1, "a/2": 1, "b/1": 1}).use(monkeypatch)
    refresh(bucket, Work())
    return bucket


def test_keys_outside_the_prefix_that_a_report_shows_stay(stored, tmp_path):
    path = write(tmp_path, "one.parquet", ["a/1", "a/3"])
    found = import_inventory(stored, Work(), paths=[str(manifest_of(tmp_path, [path]))])
    assert keys_of(stored) == ["a/1", "a/3", "b/1"]
    assert (found.prefix, found.added, found.removed) == ("a/", 1, 1)
    assert "begin with a/" in found.notes[0]
    assert open_catalog(stored).state.listed.keys() == {"", "a/"}


def test_a_report_whose_keys_begin_differently_is_of_the_complete_bucket(stored, tmp_path):
    path = write(tmp_path, "one.parquet", ["a/1", "c/1"])
    found = import_inventory(stored, Work(), paths=[str(manifest_of(tmp_path, [path]))])
    assert keys_of(stored) == ["a/1", "c/1"]
    assert (found.prefix, found.complete, found.removed, found.notes) == ("", True, 2, ())


def test_the_prefix_of_a_report_is_not_longer_than_what_its_keys_show(stored, tmp_path):
    path = write(tmp_path, "one.parquet", ["a/10", "a/11"])
    found = import_inventory(stored, Work(), paths=[str(manifest_of(tmp_path, [path]))])
    assert (found.prefix, found.removed) == ("a/1", 1)
    assert keys_of(stored) == ["a/10", "a/11", "a/2", "b/1"]


def test_files_without_a_manifest_remove_no_key(stored, tmp_path):
    path = write(tmp_path, "one.parquet", ["a/1", "c/1"])
    found = import_inventory(stored, Work(), paths=[str(path)])
    assert keys_of(stored) == ["a/1", "a/2", "b/1", "c/1"]
    assert (found.complete, found.removed) == (False, 0)
    assert "manifest.json" in found.notes[0]
    assert "2 keys of the catalogue" in found.notes[1]


def test_a_confirmed_prefix_counts_if_the_report_has_no_other_keys(stored, tmp_path):
    path = write(tmp_path, "one.parquet", ["a/1"])
    with pytest.raises(InvalidInput, match="not limited to b/"):
        import_inventory(stored, Work(), paths=[str(path)], prefix="b/")
    assert import_inventory(stored, Work(), paths=[str(path)], prefix="a/").removed == 1
    assert keys_of(stored) == ["a/1", "b/1"]


def test_keys_of_the_last_days_of_a_report_stay(stored, tmp_path):
    """A report may lack what was written shortly before it was made."""
    path = write(tmp_path, "one.parquet", ["y/1"], day="2024-06-02")
    import_inventory(stored, Work(), paths=[str(path)], prefix="")
    assert keys_of(stored) == ["a/1", "a/2", "b/1", "y/1"]
    path = write(tmp_path, "two.parquet", ["x/1"])
    import_inventory(stored, Work(), paths=[str(path)], prefix="")
    assert keys_of(stored) == ["x/1"]


def test_a_report_with_missing_or_other_files_is_refused(stored, tmp_path):
    files = [write(tmp_path, f"{number}.parquet", [f"{number}/x"]) for number in range(3)]
    manifest = manifest_of(tmp_path, files)
    assert import_inventory(stored, Work(), paths=[str(manifest)]).objects == 3
    files[1].write_bytes(files[1].read_bytes()[:-1] + b"0")
    with pytest.raises(InvalidInput, match="not the file that the manifest names"):
        import_inventory(stored, Work(), paths=[str(manifest)])
    files[1].unlink()
    with pytest.raises(InvalidInput, match="1 of 3 files is missing") as raised:
        import_inventory(stored, Work(), paths=[str(manifest), str(files[0])])
    assert "1.parquet" in raised.value.cause
    with pytest.raises(InvalidInput, match="of several reports"):
        import_inventory(stored, Work(), paths=[str(files[0]), str(files[0])])
    assert keys_of(stored) == ["0/x", "1/x", "2/x"]


@pytest.mark.parametrize(
    ("keys", "named", "dated"),
    [
        (["a/1", "a/3"], True, True),  # the beginning a/ is a folder
        (["a/10", "a/11"], True, True),
        (["a/9", "c/1"], False, True),
        (["a/1"], False, False),  # it adds no key
    ],
)
def test_keys_that_a_later_listing_lacked_make_the_catalogue_as_old_as_the_report(
    stored, tmp_path, keys, named, dated
):
    """They were deleted since: a later age would hide that they have to be listed again."""
    before = open_catalog(stored).state.listed_for("a/")
    path = write(tmp_path, "one.parquet", keys)
    import_inventory(stored, Work(), paths=[str(manifest_of(tmp_path, [path]) if named else path)])
    after = open_catalog(stored).state.listed_for("a/")
    assert (f"{after.recent:%Y-%m-%d}" == f"{after.complete:%Y-%m-%d}" == "2024-06-20") == dated
    assert dated or after == before


def test_files_of_other_reports_are_not_used_and_counted(stored, tmp_path):
    path = write(tmp_path, "one.parquet", ["a/1", "c/1"])
    manifest = manifest_of(tmp_path, [path])
    others = [write(tmp_path, f"other-{number}.parquet", ["b/1"]) for number in range(2)]
    paths = [str(each) for each in (manifest, path, *others)]
    found = import_inventory(stored, Work(), paths=paths)
    assert keys_of(stored) == ["a/1", "c/1"]
    assert found.notes == ("2 files that the manifest does not name were not used.",)


def test_two_reports_without_manifests_remove_no_key(stored, tmp_path):
    paths = [write(tmp_path, f"{name}.parquet", [f"{name}/9"]) for name in "ab"]
    found = import_inventory(stored, Work(), paths=[str(path) for path in paths])
    assert keys_of(stored) == ["a/1", "a/2", "a/9", "b/1", "b/9"]
    assert (found.complete, found.removed) == (False, 0)
    other = write(tmp_path, "a-later.parquet", ["a/9", "a/10"], day="2024-06-21")
    with pytest.raises(InvalidInput, match="of several reports"):
        import_inventory(stored, Work(), paths=[str(paths[0]), str(other)])
    manifests = [tmp_path / "one.json", tmp_path / "two.json"]
    with pytest.raises(InvalidInput, match="Two manifests"):
        import_inventory(stored, Work(), paths=[str(path) for path in manifests])


@pytest.mark.parametrize("prefix", [None, "", "a/"])
def test_a_report_without_keys_removes_none(stored, tmp_path, prefix):
    path = write(tmp_path, "one.parquet", ["a/1"])
    with connect() as connection:
        connection.execute(f"CREATE TABLE none AS FROM '{path}' WHERE false")
        connection.execute(f"COPY none TO '{path}' (FORMAT parquet)")
    paths = [str(manifest_of(tmp_path, [path]))]
    before = open_catalog(stored).state.listed_for("").recent
    found = import_inventory(stored, Work(), paths=paths, prefix=prefix)
    assert keys_of(stored) == ["a/1", "a/2", "b/1"]
    assert found.notes == ("The report has no keys: no key was removed from the catalogue.",)
    assert not found.complete
    assert open_catalog(stored).state.listed.keys() == {""}
    assert open_catalog(stored).state.listed_for("").recent == before


_CSV = """\
"bucket","a+b%2Bc/%C3%A4.txt","v2","true","false","3","2024-02-20T10:00:00.000Z","abc","GLACIER"
"bucket","old.txt","v1","false","false","4","2024-02-19T10:00:00.000Z","x","STANDARD"
"bucket","deleted.txt","v3","true","true","","2024-02-20T10:00:00.000Z","",""
"""


def test_a_report_in_csv_is_read_by_its_schema(tmp_path, monkeypatch):
    path = tmp_path / "one.csv.gz"
    path.write_bytes(gzip.compress(_CSV.encode()))
    schema = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass"
    manifest = manifest_of(tmp_path, [path], schema, "CSV")
    (row,) = search_inventory([manifest], Work()).search(parse_query(""), "", Work()).page(0, 9)
    assert (row.key, row.size, row.storage_class) == ("a b+c/ä.txt", 3, "GLACIER")
    bucket = ListedBucket({}).use(monkeypatch)
    assert import_inventory(bucket, Work(), paths=[str(manifest), str(path)]).objects == 1
    with pytest.raises(InvalidInput, match="no names of columns") as raised:
        search_inventory([path], Work()).search(parse_query(""), "", Work())
    assert "manifest.json" in raised.value.remedy


@pytest.mark.parametrize("named", [True, False])
def test_a_report_in_orc_is_named(tmp_path, named):
    path = tmp_path / "one.orc"
    path.write_bytes(b"ORC\x00")
    paths = [manifest_of(tmp_path, [path], "struct<bucket:string>", "ORC")] if named else [path]
    with pytest.raises(InvalidInput, match="Apache ORC") as raised:
        search_inventory(paths, Work()).search(parse_query(""), "", Work())
    assert "Parquet or CSV" in raised.value.remedy


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"files": [{}]}', '{"files": [], "fileFormat": 1}']
)
def test_another_file_is_no_manifest(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InvalidInput, match="not the manifest"):
        search_inventory([path], Work()).search(parse_query(""), "", Work())
