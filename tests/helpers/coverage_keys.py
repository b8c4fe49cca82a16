"""Keys of streams at given moments, for tests of coverage."""

from datetime import timedelta

from core.layout.building import build


def candle(moment, symbol="BTC-USD", timeframe="1m"):
    """Return the key of candles."""
    return build("ohlcv", moment=moment, symbol=symbol, timeframe=timeframe)


def book(moment, symbol="BTC-USD"):
    """Return the key of an order book."""
    return build("orderbook", moment=moment, symbol=symbol)


def trade(moment, symbol="BTC-USD"):
    """Return the key of trades."""
    return build("trades", moment=moment, symbol=symbol)


def report(moment, report_type="risk"):
    """Return the key of a report."""
    return build("analytics", moment=moment, report_type=report_type)


def user_trade(moment, user_id="crowe"):
    """Return the key of the trades of a user."""
    return build("user_trades", moment=moment, user_id=user_id)


def stream_keys(start, days, every):
    """Return moments at equal intervals over some days."""
    return [start + every * number for number in range(int(timedelta(days=days) / every))]
