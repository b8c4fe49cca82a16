"""The transfers of the window: batches of files in both directions, and the queue that runs them."""

from gui.context.transfers.batch import Batch, profile_and_bucket
from gui.context.transfers.queue import TransferQueue

__all__ = ["Batch", "TransferQueue", "profile_and_bucket"]
