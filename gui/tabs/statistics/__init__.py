"""The Statistics tab: sizes and counts by group, from a scan that shows progress and can be stopped."""

from gui.tabs.statistics.tab import StatisticsTab

__all__ = ["StatisticsTab"]
