"""The Bucket tab: lifecycle rules, and what the bucket says about its own safety."""

from gui.tabs.bucket.tab import BucketTab

__all__ = ["BucketTab"]
