"""The layout of keys in the bucket, according to the data contract."""

from core.layout.building import build
from core.layout.kinds import KINDS, Kind, kind
from core.layout.parsing import ParsedKey, kind_of, parse
from core.layout.places import Place, parse_place
from core.layout.timestamps import key_timestamp, parse_timestamp

__all__ = [
    "KINDS",
    "Kind",
    "ParsedKey",
    "Place",
    "build",
    "key_timestamp",
    "kind",
    "kind_of",
    "parse",
    "parse_place",
    "parse_timestamp",
]
