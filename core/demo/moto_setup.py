"""What is set and replaced in moto before it serves the demo. Import it before anything of moto.

Each replacement stands here with its reason; moto's own files stay as they are.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

os.environ["S3_IGNORE_SUBDOMAIN_BUCKETNAME"] = "true"  # buckets are in the path, as on loopback
os.environ["MOTO_ALLOW_NONEXISTENT_REGION"] = "true"

from moto.iam.access_control import PermissionResult
from moto.moto_server.utilities import RegexConverter
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    create_backend_app,
)
from moto.s3 import responses
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey
from werkzeug.routing import BaseConverter

from core.demo.moto_listings import speed_up_listings
from core.demo.moto_repairs import repair_moto
from core.demo.moto_simulation import add_simulation
from core.health.policy_eval import open_to_everybody

__all__ = ["DomainDispatcherApplication", "application"]


def application() -> DomainDispatcherApplication:
    """Return moto's WSGI application for all services, tuned for the demo."""
    for owner, name, replacement in (
        (RegexConverter, "__init__", _any_character),
        (FakeKey, "__deepcopy__", _shallow),
        (FakeKey, "last_modified_ISO8601", property(_modified)),
        (FakeDeleteMarker, "last_modified_ISO8601", property(_modified)),
        (FakeBucket, "get_permission", _decided_already),
        (responses, "bucket_policy_is_public", _is_public),
    ):
        setattr(owner, name, replacement)
    repair_moto()
    add_simulation()
    speed_up_listings()
    return DomainDispatcherApplication(create_backend_app)


def _any_character(converter: RegexConverter, url_map: Any, *items: str) -> None:
    """Have `.` in moto's routes match a newline too: a key may hold one."""
    BaseConverter.__init__(converter, url_map)
    converter.regex = f"(?s:{items[0]})"


class _Listed(FakeKey):
    """A key that shares the bytes of another, and so never closes them."""

    def dispose(self, garbage: bool = False) -> None:
        """Leave the bytes to the key itself."""


def _shallow(key: FakeKey, _memo: object) -> FakeKey:
    """Copy a key without its bytes: moto copies the bucket to list the versions of one key."""
    copied: FakeKey = object.__new__(_Listed)
    copied.__dict__.update(key.__dict__)
    return copied


def _modified(version: FakeKey | FakeDeleteMarker) -> datetime:
    """Give the serializer the time itself: moto writes it as text, then parses it once more."""
    moment: datetime = version.last_modified
    return moment


def _decided_already(_bucket: FakeBucket, _action: str, _resource: str) -> PermissionResult:
    """Leave bucket policies to the gate: moto takes any condition it does not know for a denial."""
    return PermissionResult.NEUTRAL


def _is_public(policy: bytes | str) -> bool:
    """Judge a policy as S3 does: moto takes any condition at all for a limit."""
    text = policy.decode() if isinstance(policy, bytes) else policy
    return open_to_everybody(text).answer is not False
