"""The documents of the data contract: payload, members and metadata of each kind (section 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Form:
    """The document and the metadata of one kind of data.

    Attributes:
        kind: the id of the kind in `core.layout.kinds.KINDS`.
        data_type: the value of the metadata field `data_type`.
        payload: the member of the document that holds the data; empty if the object is no document.
        shape: the type of the payload.
        counts: metadata fields that count elements, each with the member of the payload whose
            elements it counts; an empty member stands for the payload itself.
        marks: the members by which a payload without its document is recognized.
    """

    kind: str
    data_type: str
    payload: str
    shape: Literal["list", "object", "bytes"]
    counts: tuple[tuple[str, str], ...] = ()
    marks: tuple[str, ...] = ()


FORMS: tuple[Form, ...] = (
    Form("ohlcv", "ohlcv", "data", "list", (("record_count", ""),)),
    Form(
        "orderbook",
        "orderbook",
        "orderbook",
        "object",
        (("bid_count", "bids"), ("ask_count", "asks")),
        ("bids", "asks"),
    ),
    Form("trades", "trades", "trades", "list", (("trade_count", ""),)),
    Form(
        "portfolio", "portfolio", "portfolio", "object", (("asset_count", "assets"),), ("assets",)
    ),
    Form("user_trades", "trades", "trades", "list", (("trade_count", ""),)),
    Form("analytics", "analytics", "analysis", "object"),
    Form("backup", "database_backup", "records", "list", (("record_count", ""),)),
    Form("log", "log_file", "", "bytes"),
)
_BY_KIND = {form.kind: form for form in FORMS}


def form_of(kind_id: str) -> Form:
    """Return the form of a kind.

    Raises:
        KeyError: there is no such kind.
    """
    return _BY_KIND[kind_id]


def head_of(names: Mapping[str, str], timestamp: str) -> dict[str, str]:
    """Return the members of a document that precede its payload, in their order."""
    return {**names, "timestamp": timestamp}


def metadata_of(
    form: Form, names: Mapping[str, str], timestamp: str, count: Callable[[str], int]
) -> dict[str, str]:
    r"""Return the metadata of an object in the contract's order.

    Headers carry ASCII only: other characters are written as `\uXXXX`.

    Args:
        form: the form of the object's kind.
        names: the names in the object's key.
        timestamp: the time of the data as written in the key.
        count: returns the number of elements of a member of the payload; of the payload itself
            for an empty text.
    """
    plain = {name: value for name, value in names.items() if name != "filename"}
    metadata = {**plain, "data_type": form.data_type, "timestamp": timestamp}
    if "filename" in names:
        metadata["filename"] = names["filename"]
    metadata |= {name: str(count(member)) for name, member in form.counts}
    return {
        name: value.encode("ascii", "backslashreplace").decode() for name, value in metadata.items()
    }
