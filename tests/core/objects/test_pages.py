"""The page parser against botocore's own, on pages as different servers write them."""

from urllib.parse import quote_plus
from xml.sax.saxutils import escape

import botocore.session
import pytest
from botocore.handlers import decode_list_object_v2
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from core.objects.pages import columns_of, read_columns

MODEL = botocore.session.get_session().get_service_model("s3").operation_model("ListObjectsV2")
SHAPE = MODEL.output_shape
OWNER = "<Owner><ID>1</ID><DisplayName>me</DisplayName></Owner>"
RESTORE = "<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress></RestoreStatus>"
#: How servers order an entry: AWS, MinIO with its owner, Ceph, and one with a checksum.
ORDERS = (
    (
        "<Key>{key}</Key><LastModified>{when}</LastModified><ETag>{etag}</ETag><Size>{size}</Size>"
        "<StorageClass>STANDARD</StorageClass>"
    ),
    "<Key>{key}</Key><LastModified>{when}</LastModified><ETag>{etag}</ETag><Size>{size}</Size>"
    + OWNER
    + "<StorageClass>GLACIER</StorageClass>",
    (
        "<StorageClass>STANDARD</StorageClass>\n  <Size>{size}</Size>\n  <ETag>{etag}</ETag>\n"
        "  <LastModified>{when}</LastModified>\n  <Key>{key}</Key>\n"
    ),
    "<Key>{key}</Key><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><Size>{size}</Size>"
    "<LastModified>{when}</LastModified>" + RESTORE,
)
texts = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), min_size=1, max_size=20)


def page(order, keys, folders=(), *, encoded=True):
    name = quote_plus if encoded else escape
    entries = "".join(
        "<Contents>"
        + order.format(
            key=name(key), when="2024-01-15T10:00:00.000Z", etag=f"&quot;{n:032x}&quot;", size=n
        )
        + "</Contents>"
        for n, key in enumerate(keys)
    )
    below = "".join(
        f"<CommonPrefixes><Prefix>{name(folder)}</Prefix></CommonPrefixes>" for folder in folders
    )
    kind = "<EncodingType>url</EncodingType>" if encoded else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult '
        'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix>'
        f"<IsTruncated>false</IsTruncated>{kind}{entries}{below}</ListBucketResult>"
    ).encode()


def stock(body, *, encoded=True):
    response = {"body": body, "status_code": 200, "headers": {}}
    parsed = create_parser("rest-xml").parse(response, SHAPE)
    if encoded:
        decode_list_object_v2(parsed, {"encoding_type_auto_set": True})
    return columns_of(parsed)


def same(ours, theirs):
    assert ours is not None
    assert ours.keys == theirs.keys
    assert ours.sizes == theirs.sizes
    assert ours.classes == theirs.classes
    assert ours.etags == theirs.etags
    assert ours.folders == theirs.folders
    assert [text[:19] for text in ours.modified] == [text[:19] for text in theirs.modified]


@pytest.mark.parametrize("order", ORDERS)
@given(keys=st.lists(texts, max_size=12), folders=st.lists(texts, max_size=4))
def test_url_encoded_pages_are_read_as_botocore_reads_them(order, keys, folders):
    body = page(order, keys, folders)
    same(read_columns(body), stock(body))


@pytest.mark.parametrize("encoded", [True, False])
def test_entities_pluses_and_percents_are_told_apart(encoded):
    keys = ["a&b<c>", "a+b", "100%25", "a b", "&amp;", "ü", "a%2Fb", 'q"uote']
    body = page(ORDERS[0], keys, ["x&y/"], encoded=encoded)
    found = read_columns(body)
    assert found.keys == keys
    same(found, stock(body, encoded=encoded))


def test_numeric_entities_are_xml_s_not_html_s():
    body = page(ORDERS[0], ["A"], encoded=False).replace(b"<Key>A<", b"<Key>&#65;&#x85;&lt;<")
    assert read_columns(body).keys == ["A\x85<"]


@pytest.mark.parametrize(
    "change",
    [
        (b"<Key>k<", b"<Key><![CDATA[k]]><"),
        (b"<Name>b", b"<!-- hello --><Name>b"),
        (b"<Key>k<", b"<Key>k\r\n<"),
        (b"<Size>", b"<Unknown><Deep>1</Deep></Unknown><Size>"),
        (b"<Size>0</Size>", b""),
    ],
)
def test_a_page_of_another_shape_is_left_to_botocore(change):
    assert read_columns(page(ORDERS[0], ["k"]).replace(*change)) is None


def test_entries_that_differ_from_each_other_are_left_to_botocore():
    body = page(ORDERS[0], ["a", "b"])
    cut = body.rindex(b"<StorageClass>")
    mixed = body[:cut] + body[cut:].replace(b"<StorageClass>STANDARD</StorageClass>", b"")
    assert read_columns(mixed) is None


def test_an_empty_page_has_no_rows():
    assert len(read_columns(page(ORDERS[0], []))) == 0
