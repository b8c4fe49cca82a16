"""A bucket on moto in this process, for tests of the layers below the demo server."""

import atexit
import threading
from contextlib import contextmanager
from functools import cache
from uuid import uuid4

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

from core.aws.clients import ClientFactory
from core.demo.moto_repairs import repair_moto
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.objects.bucket import Bucket
from core.redaction import Secret


class _Application(DomainDispatcherApplication):
    """moto, which reads a folder and matches hundreds of patterns in each request: 3 ms."""

    def __init__(self):
        super().__init__(create_backend_app)
        self.get_backend_for_host = cache(super().get_backend_for_host)


class _Handler(MotoRequestHandler):
    #: Small answers do not wait for the client's delayed acknowledgement.
    disable_nagle_algorithm = True

    def log_request(self, *_arguments):
        pass


@cache
def _endpoint_url():
    """Start moto's server for all tests of this process: each start and stop takes half a second."""
    repair_moto()
    server = make_server("127.0.0.1", 0, _Application(), True, request_handler=_Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="moto", daemon=True)
    thread.start()

    def stop():
        server.shutdown()
        thread.join()
        server.server_close()

    atexit.register(stop)
    return f"http://127.0.0.1:{server.server_port}"


@contextmanager
def moto_bucket(name="", *, versioned=False):
    """Yield a new, empty bucket; moto's state is the process's, so it is taken out at the end."""
    name = name or f"bucket-{uuid4().hex[:12]}"
    profile = Profile("moto", KeySource.SESSION, endpoint_url=_endpoint_url(), bucket=name)
    connection = Connection(profile, AccessKeys("AKIATEST", Secret("moto-secret-key-0123456789")))
    clients = ClientFactory(connection)
    try:
        clients.s3().create_bucket(Bucket=name)
        if versioned:
            clients.s3().put_bucket_versioning(
                Bucket=name, VersioningConfiguration={"Status": "Enabled"}
            )
        yield Bucket(clients, name)
    finally:
        clients.close()
        _backend().buckets.pop(name, None)
        s3_backends.bucket_accounts.pop(name, None)


def store_copies_in_moto(bucket, keys, body):
    """Store objects without requests, each of which takes some milliseconds of this process."""
    for key in keys:
        _backend().put_object(bucket.name, key, body)


def _backend():
    return s3_backends["123456789012"]["aws"]
