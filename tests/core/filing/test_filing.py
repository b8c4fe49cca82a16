"""Each kind of the data contract is stored under its key with its payload and metadata."""

import gzip
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from helpers.moto_bucket import moto_bucket

from core.errors import AlreadyExists, InvalidInput
from core.filing.contents import inspect_file
from core.filing.storing import file_as, store
from core.layout.forms import FORMS
from core.layout.kinds import KINDS
from core.layout.parsing import parse
from core.layout.timestamps import parse_timestamp
from core.objects.hashing import Stamp
from core.objects.reading import head, read
from core.storage.crypto_data_manager import CryptoDataManager
from core.storage.s3_storage_service import S3StorageService

MOMENT = "2024-01-15T10:30:00Z"
WHEN = parse_timestamp(MOMENT)
CANDLE = {"timestamp": MOMENT, "open": 1, "high": 2, "low": 0.5, "close": 1.5, "volume": 3}
BOOK = {"bids": [[1, 2]], "asks": [[3, 4], [5, 6]]}
TRADE = {"id": 1, "symbol": "BTC-USD", "side": "buy", "quantity": 1, "price": 2}
PORTFOLIO = {"total_value_usd": 1, "assets": [{"symbol": "BTC", "quantity": 1}]}
#: Kind, names, payload, and how the library writes it: what is filed must not differ from that.
SAMPLES = [
    ("ohlcv", {"symbol": "BTC-USD", "timeframe": "1h"}, [CANDLE], "save_ohlcv_data"),
    ("orderbook", {"symbol": "BTC-USD"}, BOOK, "save_orderbook_data"),
    ("trades", {"symbol": "BTC-USD"}, [TRADE], "save_trade_data"),
    ("portfolio", {"user_id": "u1"}, PORTFOLIO, "save_user_portfolio"),
    ("user_trades", {"user_id": "u1"}, [TRADE], "save_user_trades"),
    ("analytics", {"report_type": "daily"}, {"a": 1}, "save_analytics_report"),
    ("backup", {"table_name": "users"}, [{"id": 1}], "backup_database_table"),
]


@pytest.fixture(scope="module")
def place():
    with moto_bucket() as bucket:
        yield SimpleNamespace(bucket=bucket)


def written(tmp_path, content, name="f.json"):
    path = tmp_path / name
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(data)
    return str(path)


def test_every_kind_of_the_contract_can_be_filed():
    assert [form.kind for form in FORMS] == [kind.id for kind in KINDS]


@pytest.mark.parametrize(("kind", "names", "payload", "method"), SAMPLES)
def test_a_bare_payload_is_stored_as_the_library_stores_it(
    place, tmp_path, kind, names, payload, method
):
    path = written(tmp_path, payload)
    asked = {"path": path, "kind_id": kind, "names": names, "moment": MOMENT, "overwrite": True}
    key = store(place, **asked).key
    filed, metadata = json.loads(read(place.bucket, key)), head(place.bucket, key).metadata
    s3 = S3StorageService(clients=place.bucket.clients, bucket_name=place.bucket.name)
    key_again = getattr(CryptoDataManager(s3), method)(*names.values(), payload, WHEN).key
    assert key_again == key
    assert filed == json.loads(read(place.bucket, key))
    theirs = head(place.bucket, key).metadata
    metadata.pop("sha256"), theirs.pop("sha256", None)
    assert metadata == theirs
    assert parse(key).names == names


@pytest.mark.parametrize(("kind", "names", "payload", "method"), SAMPLES)
def test_a_complete_document_is_stored_as_it_is(place, tmp_path, kind, names, payload, method):
    form = next(form for form in FORMS if form.kind == kind)
    complete = json.dumps({**names, "timestamp": MOMENT, form.payload: payload}, indent=3)
    path = written(tmp_path, complete.encode())
    contents = inspect_file(place, path=path, kind_id=kind)
    filing = file_as(contents, kind, names, WHEN)
    assert (filing.refused, filing.before) == ("", "")
    written_ = store(place, path=path, kind_id=kind, names=names, moment=MOMENT, overwrite=True)
    assert read(place.bucket, written_.key).decode() == complete


def test_numbers_are_never_rewritten(place, tmp_path):
    path = written(tmp_path, b'[{"price": 0.10000000000000000000001, "id": 12345678901234567890}]')
    asked = {"path": path, "kind_id": "trades", "names": {"symbol": "X"}, "moment": MOMENT}
    text = read(place.bucket, store(place, **asked, overwrite=True).key)
    assert b"0.10000000000000000000001" in text
    assert b"12345678901234567890" in text
    json.loads(text)


def test_a_taken_key_is_refused_unless_asked(place, tmp_path):
    path = written(tmp_path, [TRADE])
    asked = {"path": path, "kind_id": "trades", "names": {"symbol": "TAKEN"}, "moment": MOMENT}
    store(place, **asked)
    other = written(tmp_path, [TRADE, TRADE], "other.json")
    with pytest.raises(AlreadyExists):
        store(place, **{**asked, "path": other})
    assert store(place, **{**asked, "path": other}, overwrite=True)


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        (b"{broken", "ohlcv", "not JSON"),
        (b"[NaN]", "ohlcv", "NaN"),
        (b"[" * 100_000, "ohlcv", "not JSON"),
        ({"a": 1}, "ohlcv", "need a list"),
        ([1], "orderbook", "“bids” and “asks”"),
        ({"bids": []}, "orderbook", "“bids” and “asks”"),
        ([1], "portfolio", "“assets”"),
        (gzip.compress(b"[]", mtime=0), "trades", "Decompress it first"),
        (gzip.compress(b"[]", mtime=0)[:-9], "trades", "truncated"),
    ],
)
def test_what_does_not_fit_is_refused_in_text(place, tmp_path, content, kind, text):
    path = written(tmp_path, content)
    names = {"ohlcv": {"symbol": "X", "timeframe": "1h"}, "portfolio": {"user_id": "u"}}
    chosen = names.get(kind, {"symbol": "X"})
    filing = file_as(inspect_file(place, path=path, kind_id=kind), kind, chosen, WHEN)
    assert text in filing.refused
    with pytest.raises(InvalidInput) as refused:
        store(place, path=path, kind_id=kind, names=chosen, moment=MOMENT)
    assert text in refused.value.cause


def test_differences_and_problems_are_reported(place, tmp_path):
    bad = {**CANDLE, "high": 0}
    complete = {"symbol": "ETH-USD", "timeframe": "1h", "timestamp": "2020-01-01T00:00:00Z"}
    path = written(tmp_path, {**complete, "data": [bad]})
    contents = inspect_file(place, path=path, kind_id="ohlcv")
    filing = file_as(contents, "ohlcv", {"symbol": "BTC-USD", "timeframe": "1h"}, WHEN)
    output = " ".join(filing.problems)
    assert "'ETH-USD'" in output
    assert "2020-01-01" in output
    assert "high" in output
    assert contents.count == "1 candle"


def test_packed_documents_and_logs_keep_their_bytes(place, tmp_path):
    packed = gzip.compress(json.dumps({"timestamp": MOMENT, "trades": [TRADE]}).encode())
    path = written(tmp_path, packed, "t.json.gz")
    key = store(place, path=path, kind_id="trades", names={"symbol": "GZ"}, moment=MOMENT).key
    assert key.endswith(".json.gz")
    assert read(place.bucket, key) == packed
    assert head(place.bucket, key).content_type == "application/gzip"
    log = written(tmp_path, b"\xff raw", "app.log")
    names = {"log_type": "app", "filename": "ü.log"}
    key = store(place, path=log, kind_id="log", names=names, moment=MOMENT).key
    info = head(place.bucket, key)
    assert read(place.bucket, key) == b"\xff raw"
    assert info.content_type == "text/plain"
    assert info.metadata["filename"] == "\\xfc.log"
    assert info.metadata["data_type"] == "log_file"


def test_a_file_with_an_absurd_time_is_inspected(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([CANDLE]))
    stamp = replace(Stamp.of(path), modified_ns=4 * 10**20)  # the year 14645
    monkeypatch.setattr(Stamp, "of", lambda _path: stamp)
    contents = inspect_file(None, path=str(path))
    assert (contents.kind, contents.modified) == ("ohlcv", None)
