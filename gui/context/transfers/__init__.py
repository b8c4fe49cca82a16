"""The transfers of the window: batches of files in both directions, and the queue that runs them."""

from gui.context.transfers.batch import DOWNLOAD, Batch, Names
from gui.context.transfers.queue import TransferQueue

__all__ = ["DOWNLOAD", "Batch", "Names", "TransferQueue"]
