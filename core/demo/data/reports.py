"""Analytics: three kinds of report a day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from core.demo.data.sample import SYMBOLS, USERS, Sample, days, iso, json_sample, written
from core.demo.data.series import candles, price_at


def reports() -> Iterator[Sample]:
    """Yield the reports of each day."""
    for day, midnight in enumerate(days()):
        moment = midnight + timedelta(hours=16)
        for name, analysis in (
            ("daily-summary", _summary(moment)),
            ("risk", _risk(moment, day)),
            ("correlation", _correlation(day)),
        ):
            yield _report(name, moment, analysis)


def _report(name: str, moment: datetime, analysis: dict[str, Any]) -> Sample:
    stamp = iso(moment)
    body = {"report_type": name, "timestamp": stamp, "analysis": analysis}
    key = f"analytics/{name}/{moment:%Y/%m/%d}/{stamp}.json"
    return json_sample(
        key, body, written(moment), report_type=name, data_type="analytics", timestamp=stamp
    )


def _summary(moment: datetime) -> dict[str, Any]:
    before = moment - timedelta(days=1)
    return {
        symbol: {
            "price": price_at(symbol, moment),
            "change_24h": price_at(symbol, moment) / price_at(symbol, before) - 1,
        }
        for symbol in SYMBOLS
    }


def _risk(moment: datetime, day: int) -> dict[str, Any]:
    exposure = {
        user: round(9_000 * (place + 2) + day * 37.5, 2) for place, user in enumerate(USERS)
    }
    share = [each / sum(exposure.values()) for each in exposure.values()]
    return {
        "as_of": moment,
        "value_at_risk_95": round(sum(exposure.values()) * 0.031, 2),
        "exposure_usd": exposure,
        "concentration": {"herfindahl": sum(each * each for each in share), "limit": 0.4},
        "breaches": ["okafor: SOL-USD above 35 %"] if day % 9 == 4 else [],
        "reviewed_by": None,
    }


def _correlation(day: int) -> dict[str, Any]:
    end = (day + 64) * 24
    moves = {}
    for symbol in SYMBOLS:
        closes = [each.close for each in candles(symbol, "1h")[end - 24 : end]]
        moves[symbol] = [b / a - 1 for a, b in pairwise(closes)]
    return {
        "window_hours": 24,
        "matrix": {a: {b: _pearson(moves[a], moves[b]) for b in SYMBOLS} for a in SYMBOLS},
    }


def _pearson(left: list[float], right: list[float]) -> float:
    mean_l, mean_r = sum(left) / len(left), sum(right) / len(right)
    top = sum((a - mean_l) * (b - mean_r) for a, b in zip(left, right, strict=True))
    spread = sum((a - mean_l) ** 2 for a in left) * sum((b - mean_r) ** 2 for b in right)
    return round(float(top / spread**0.5), 4)
