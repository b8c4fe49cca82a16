"""A bucket on moto in this process, for tests of the layers below the demo server."""

from contextlib import contextmanager
from uuid import uuid4

from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from core.aws.clients import ClientFactory
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.objects.bucket import Bucket
from core.redaction import Secret


@contextmanager
def moto_bucket(name="", *, versioned=False):
    """Yield a new, empty bucket; moto's state is the process's, so it is taken out at the end."""
    name = name or f"bucket-{uuid4().hex[:12]}"
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    profile = Profile("moto", KeySource.SESSION, endpoint_url=f"http://{host}:{port}", bucket=name)
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
        server.stop()
        s3_backends["123456789012"]["aws"].buckets.pop(name, None)
        s3_backends.bucket_accounts.pop(name, None)
