"""`python -m core`: the command line."""

from core.cli import main
from core.cli.leaving import collect_garbage_rarely, leave, with_room
from core.cli.standard_streams import open_closed_streams

if __name__ == "__main__":
    open_closed_streams()
    collect_garbage_rarely()
    leave(with_room(main))
