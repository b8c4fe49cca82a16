"""The complete objects of a folder as a table, as statements read folders without large Parquet files."""

import time

from core.collect.folder import find_objects, load_objects
from core.work import Work


def load_folder(workspace, work=None, *, folder, cache=True, list_again=False):
    """Return the report of a folder that is read as one new table."""
    started, work = time.monotonic(), work or Work()
    found = find_objects(workspace, work, folder=folder, list_again=list_again)
    return load_objects(found, work, cache=cache, started=started)
