"""The library never returns the answer of a foreign server as a result."""

import inspect

import pytest
from helpers.aws import connection
from helpers.stub_server import Reply, StubServer

from core.aws.clients import ClientFactory
from core.errors import ErrorKind, StorageError
from core.storage.aws_secrets_manager import SecretsManager
from core.storage.crypto_data_manager import CryptoDataManager
from core.storage.s3_storage_service import S3StorageService

HTML = b"<!DOCTYPE html><html><body>Sign in to the network</body></html>"
PORTALS = {
    "a web page": Reply(200, {"Content-Type": "text/html"}, HTML),
    "nothing": Reply(200),
    "half an XML answer": Reply(
        200, {"Content-Type": "application/xml", "x-amz-request-id": "1"}, b"<ListBucketResult><Na"
    ),
    "half a JSON answer": Reply(
        200, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-requestid": "1"}, b'{"Secr'
    ),
    "a redirect": Reply(302, {"Location": "http://127.0.0.1:9/login"}),
    "an error page": Reply(500, {"Content-Type": "text/html"}, HTML),
    "a proxy that wants a login": Reply(407, {"Content-Type": "text/html"}, HTML),
}
#: What a call may say about an answer that is none of AWS's.
KINDS = {ErrorKind.NOT_S3, ErrorKind.SERVICE, ErrorKind.OFFLINE}

SECRETS = {
    "get_secret": ("name",),
    "create_secret": ("name", {"a": "1"}),
    "update_secret": ("name", {"a": "1"}),
    "delete_secret": ("name",),
    "list_secrets": (),
    "list_infos": (),
    "describe": ("name",),
    "read": ("name",),
    "list_versions": ("name",),
    "restore_secret": ("name",),
    "exists": ("name",),
    "tag": ("name", "key", "value"),
    "untag": ("name", "key"),
}
OBJECTS = {
    "upload_file": ("{file}", "key"),
    "upload_data": ("text", "key"),
    "download_file": ("key", "{target}"),
    "get_object_data": ("key",),
    "delete_object": ("key",),
    "object_exists": ("key",),
    "list_objects": (),
}
DATA = {
    "save_ohlcv_data": ("A", "1h", []),
    "save_orderbook_data": ("A", {}),
    "save_trade_data": ("A", []),
    "save_user_portfolio": ("u", {}),
    "save_user_trades": ("u", []),
    "save_analytics_report": ("r", {}),
    "backup_database_table": ("t", []),
    "upload_log_file": ("app", "{file}"),
    "get_latest_market_data": ("A", "trades"),
    "list_user_data_files": ("u",),
    "get_storage_stats": (),
}
TABLES = {SecretsManager: SECRETS, S3StorageService: OBJECTS, CryptoDataManager: DATA}
#: Methods that ask no server, or ask what others of the table ask first.
OTHERS = {"client", "save", "make_current", "generate_presigned_url"}


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr("core.aws.retries._FIRST_PAUSE", 0.0)


def test_every_method_of_the_library_is_in_the_tables():
    for service, table in TABLES.items():
        methods = {name for name, _ in inspect.getmembers(service, inspect.isfunction)}
        public = {name for name in methods if not name.startswith("_")}
        assert public - OTHERS == set(table), service


@pytest.mark.parametrize("portal", PORTALS)
@pytest.mark.parametrize("service", TABLES, ids=lambda service: service.__name__)
def test_no_call_takes_it_for_an_answer(service, portal, tmp_path):
    file = tmp_path / "app.log"
    file.write_text("line\n")
    believed, other = [], {}
    with StubServer(lambda _asked: PORTALS[portal]) as server:
        clients = ClientFactory(connection(endpoint_url=server.url))
        try:
            secrets = SecretsManager(clients=clients)
            s3 = S3StorageService(clients=clients, bucket_name="bucket")
            made = {
                SecretsManager: secrets,
                S3StorageService: s3,
                CryptoDataManager: CryptoDataManager(s3),
            }
            for name, arguments in TABLES[service].items():
                text = [
                    each.format(file=file, target=tmp_path / "target")
                    if isinstance(each, str)
                    else each
                    for each in arguments
                ]
                try:
                    believed.append((name, getattr(made[service], name)(*text)))
                except StorageError as error:
                    if error.kind not in KINDS or not (error.summary and error.remedy):
                        other[name] = (error.kind, str(error))
        finally:
            clients.close()
    assert believed == []
    assert other == {}
    assert [each.name for each in tmp_path.iterdir()] == ["app.log"]
