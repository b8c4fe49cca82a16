"""What a remedy proposes, as data: a surface can add how that is done there."""

from __future__ import annotations

from enum import Flag, auto


class Hint(Flag):
    """Proposals of remedies.

    A remedy is read in the window, in scripts and on the command line, so its text names neither a
    button nor an option. The error declares what it proposes instead, and the command line adds the
    option or the command: see `core.cli.hints`.
    """

    LIST_BACKUPS = auto()  # the table is the error's `hint_value`
    CHOOSE_BACKUP = auto()
    CHOOSE_TIME = auto()
    SOURCE = auto()  # one of the databases `hint_value`, a line each
    ANY_SOURCE = auto()
    NEW_TABLE_NAME = auto()
    ALLOW_ORPHANS = auto()
    SCRATCH_DATABASE = auto()
    THAW = auto()  # of the backup with the id `hint_value`
    RESUME = auto()
    LIST_UNSENT = auto()
    DISCARD_UNSENT = auto()  # the backup with the id `hint_value`
    IMPORT_KEY = auto()  # the name of the backup key is `hint_value`
    CREATE_KEY = auto()  # likewise
    SHOW_KEY = auto()  # likewise
    QUERY_BACKUP = auto()  # of the table `hint_value`
    FORMAT_CSV = auto()
    FORMAT_CRON = auto()
    FORMAT_SYSTEMD = auto()
    LIST_SCHEDULES = auto()
    FAILURE_COMMAND = auto()
    RETAIN_DAILY = auto()
    STORE_LOGIN = auto()
    OVERWRITE = auto()
    UNLOCK = auto()
    SET_UP = auto()
    REGION = auto()
    ENDPOINT = auto()
    INPUT_SIZE = auto()
    BINARY_VALUE = auto()
    TEXT_VALUE = auto()
    JSON_VALUE = auto()
    ALLOW_DELETIONS = auto()  # as many as `hint_value`
    EXCLUDE = auto()
    LIST_OBJECTS = auto()
    LIST_KEYS = auto()


#: The hints of an error whose remedy needs none.
NO_HINTS = Hint(0)
