"""The Statistics tab: how much is where, from one scan that can be watched and stopped."""

from gui.tabs.statistics.tab import StatisticsTab

__all__ = ["StatisticsTab"]
