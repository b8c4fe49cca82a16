"""The Bucket tab: lifecycle rules, encryption, versioning and public access of the bucket."""

from gui.tabs.bucket.tab import BucketTab

__all__ = ["BucketTab"]
