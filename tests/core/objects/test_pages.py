"""The page reader returns what stock botocore returns, for pages of every form."""

import time
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

import botocore.session
import pytest
from botocore.handlers import decode_list_object_v2
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from core.aws.answers import BadAnswerError
from core.objects import pages
from core.objects.page_readers import raw_by_parser, raw_by_pattern
from core.objects.pages import read_columns, read_page

MODEL = botocore.session.get_session().get_service_model("s3").operation_model("ListObjectsV2")
REQUIRED = ("<Key>{key}</Key>", "<LastModified>{when}</LastModified>", "<Size>{size}</Size>")
#: What an entry may have beside that: absent, present or, for the algorithm, repeated.
OPTIONAL = (
    "<ETag>&quot;{size:032x}&quot;</ETag>",
    "<StorageClass>GLACIER</StorageClass>",
    "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>",
    "<ChecksumAlgorithm>SHA256</ChecksumAlgorithm>",
    "<ChecksumType>FULL_OBJECT</ChecksumType>",
    "<Owner><ID>1</ID><DisplayName>me</DisplayName></Owner>",
    "<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress></RestoreStatus>",
    "<Type>Normal</Type>",
)
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
NAMESPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
#: Every character that XML 1.0 can carry; with URL encoding, every one that a key can have.
plain_keys = st.text(
    st.characters(exclude_categories=["Cs"], min_codepoint=32, exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=20,
)
any_keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@st.composite
def entries(draw, keys):
    """One `<Contents>`: a random choice of optional elements in a random order."""
    parts = [*REQUIRED, *draw(st.lists(st.sampled_from(OPTIONAL), unique=True))]
    parts = draw(st.permutations(parts))
    gap = draw(st.sampled_from(["", "\n  "]))
    size = draw(st.integers(0, 5 * 2**40))
    text = gap.join(parts).format(key=draw(keys), when="2024-01-15T10:00:00.000Z", size=size)
    return f"<Contents>{gap}{text}{gap}</Contents>"


def names(encoded):
    return any_keys.map(quote_plus) if encoded else plain_keys.map(escape)


@st.composite
def listings(draw):
    """A complete page: mixed entries, folders, paging, and the scalars before or after them."""
    encoded = draw(st.booleans())
    rows = draw(st.lists(entries(names(encoded)), max_size=8))
    folders = draw(st.lists(names(encoded), max_size=3))
    truncated = draw(st.booleans())
    scalars = ["<Name>b</Name>", "<Prefix></Prefix>", "<MaxKeys>1000</MaxKeys>"]
    scalars.append(f"<IsTruncated>{str(truncated).lower()}</IsTruncated>")
    if truncated:
        # The last key on some servers, which may begin and end with spaces.
        token = draw(st.sampled_from(["a&amp;b+c%20d", " a", "a\n", "\N{IDEOGRAPHIC SPACE}"]))
        scalars.append(f"<NextContinuationToken>{token}</NextContinuationToken>")
    if draw(st.booleans()):
        scalars.append(f"<KeyCount>{len(rows) + len(folders)}</KeyCount>")
    if encoded:
        scalars.append("<EncodingType>url</EncodingType>")
    below = [f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>" for name in folders]
    blocks = draw(st.permutations([draw(st.permutations(scalars)), rows, below]))
    text = "".join(part for block in blocks for part in block)
    return f"{HEAD}<ListBucketResult{NAMESPACE}>{text}</ListBucketResult>".encode()


def stock(body):
    """What boto3 returns for the page."""
    response = {"body": body, "status_code": 200, "headers": {}}
    parsed = create_parser("rest-xml").parse(response, MODEL.output_shape)
    decode_list_object_v2(parsed, {"encoding_type_auto_set": True})
    return parsed


def assert_same(page, answer):
    rows, columns = answer.get("Contents", []), page.columns
    assert columns.keys == [row["Key"] for row in rows]
    assert columns.sizes == [row["Size"] for row in rows]
    assert columns.etags == [row.get("ETag", "").strip('"') for row in rows]
    assert columns.classes == [row.get("StorageClass", "STANDARD") for row in rows]
    assert [text[:19] for text in columns.modified] == [
        row["LastModified"].isoformat()[:19] for row in rows
    ]
    assert columns.folders == [each["Prefix"] for each in answer.get("CommonPrefixes", [])]
    assert page.token == answer.get("NextContinuationToken")


def page(*rows, scalars="<IsTruncated>false</IsTruncated>"):
    text = "".join(rows)
    return f"{HEAD}<ListBucketResult{NAMESPACE}>{scalars}{text}</ListBucketResult>".encode()


def row(key, more=""):
    return (
        f"<Contents><Key>{key}</Key><LastModified>2024-01-15T10:00:00.000Z</LastModified>"
        f"<Size>1</Size>{more}</Contents>"
    )


@given(body=listings())
def test_pages_are_read_as_stock_boto3_reads_them(body):
    assert_same(read_page(body), stock(body))


@given(body=listings())
def test_all_readers_find_the_same(body):
    by_parser = raw_by_parser(body)
    raw = raw_by_pattern(body)
    if raw is not None:
        assert pages._decoded(raw) == pages._decoded(by_parser)
        assert raw.scalars == by_parser.scalars


@given(body=listings(), where=st.integers(0, 10**6))
def test_a_page_that_ends_early_is_never_taken_for_a_page(body, where):
    with pytest.raises(BadAnswerError):
        read_page(body[: where % len(body)])


def test_a_page_cut_at_any_byte_is_refused():
    body = page(*(row(f"d/k{n:03}.txt") for n in range(20)))
    for length in range(len(body)):
        assert read_columns(body[:length]) is None
    assert len(read_columns(body)) == 20


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("encoded", [True, False])
def test_keys_are_decoded_once_whichever_reader_read_them(encoded, mixed):
    keys = ["a&b<c>", "a+b", "100%25", "a b", "&amp;", "ü", "a%2Fb", 'q"uote', "T12:00:00Z.json"]
    name = quote_plus if encoded else escape
    algorithm = "<ChecksumAlgorithm>CRC32</ChecksumAlgorithm>"
    rows = [row(name(key), algorithm if mixed and n % 2 else "") for n, key in enumerate(keys)]
    scalars = "<IsTruncated>false</IsTruncated>"
    body = page(*rows, scalars=scalars + "<EncodingType>url</EncodingType>" * encoded)
    assert (raw_by_pattern(body) is None) == mixed
    assert read_page(body).columns.keys == keys


@pytest.mark.parametrize(
    "change",
    [
        (b"<Key>k<", b"<Key><![CDATA[k]]><"),
        (b"<IsTruncated>", b"<!-- hello --><IsTruncated>"),
        (b"<Size>", b"<Unknown><Deep>1</Deep></Unknown><Size>"),
        (b"<Contents>", b"<Contents >"),
    ],
)
def test_a_page_of_another_shape_is_read_by_the_xml_parser(change):
    body = page(row("k")).replace(*change)
    assert raw_by_pattern(body) is None
    assert read_page(body).columns.keys == ["k"]


@pytest.mark.parametrize("owner", ["", "<Owner><ID>1</ID><KeyCount>9</KeyCount></Owner>"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_elements_between_the_entries_are_read(owner, place):
    """Otherwise a listing would end after this page."""
    scalars = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
    scalars += "<EncodingType>url</EncodingType><KeyCount>3</KeyCount>"
    rows = [row("a%20b", owner), row("c", owner)]
    rows.insert(place, f"{scalars}<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes>")
    body = page(*rows, scalars="")
    assert raw_by_pattern(body) == raw_by_parser(body)
    found = read_page(body)
    assert (found.token, found.columns.keys, found.columns.folders) == ("t", ["a b", "c"], ["d/"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Sign in</body></html>",
        b"<ListBucketResult><Contents></ListBucketResult>",
        page(row("k")).replace(b"<Size>1</Size>", b""),
        page(row("k")).replace(b"<Size>1</Size>", b"<Size>many</Size>"),
        page(row("")),
        page(row("k"), scalars="<KeyCount>2</KeyCount><IsTruncated>false</IsTruncated>"),
        page(row("k"), scalars="<IsTruncated>true</IsTruncated>"),
        page(row("k"), scalars="<IsTruncated>perhaps</IsTruncated>"),
        page(row("k", "<Key>other</Key>")),
        page(row("k")).replace(b"2024-01-15T", b"2024-01,15T"),
        page(row("k")).replace(b"2024-01-15T", b"2024-21-15T"),
        page(row("k")).replace(b"<Size>1<", b"<Size>-1<"),
        page(row("j"), row("k").replace("<Size>1<", "<Size>\u0661<")),
        *(
            page(row("j"), row("k").replace("2024-01-15T10:00:00", text))
            for text in (
                "2024-21-15T10:00:00",
                "2024-01-15T10:00:70",
                "2024-01-15 10:00:00",
                "2024",
            )
        ),
    ],
)
def test_a_page_that_contradicts_itself_is_refused(body):
    with pytest.raises(BadAnswerError):
        read_page(body)


def test_an_etag_without_one_of_its_quotation_marks_does_not_extend_to_the_next_entry():
    tags = ("&quot;a", "b&quot;", "&quot;c&quot;")
    body = page(*(row("k", f"<ETag>{tag}</ETag>") for tag in tags))
    assert read_page(body).columns.etags == ["a", "b", "c"]


def test_times_of_different_lengths_are_read():
    body = page(row("j"), row("k").replace(".000Z", "Z"))
    assert raw_by_pattern(body).modified == ["2024-01-15T10:00:00.000Z", "2024-01-15T10:00:00Z"]


@pytest.mark.parametrize("name", ["Contents", "Owner", "RestoreStatus"])
def test_elements_without_an_end_do_not_take_long(name):
    """From each of them, a pattern would search to the end of the page: minutes for these."""
    hostile = f"<{name}>" * 300_000
    entry = row("a", hostile) if name != "Contents" else hostile
    body = page(entry)
    began = time.thread_time()
    assert raw_by_pattern(body) is None
    with pytest.raises(BadAnswerError):
        raw_by_parser(body)
    assert time.thread_time() - began < 2


def test_ceph_counts_keys_without_folders():
    folder = "<CommonPrefixes><Prefix>f/</Prefix></CommonPrefixes>"
    body = page(row("k"), folder, scalars="<KeyCount>1</KeyCount><IsTruncated>false</IsTruncated>")
    assert read_page(body).columns.folders == ["f/"]


def test_numeric_entities_are_xml_s_not_html_s():
    body = page(row("&#65;&#x85;&lt;"))
    assert read_page(body).columns.keys == ["A\x85<"]


def test_an_empty_page_has_no_rows():
    assert len(read_page(page()).columns) == 0
