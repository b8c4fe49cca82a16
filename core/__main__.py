"""`python -m core`: the command line."""

from core.cli import main
from core.cli.leaving import collect_garbage_rarely, leave, with_room

if __name__ == "__main__":
    collect_garbage_rarely()
    leave(with_room(main))
