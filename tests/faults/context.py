"""What an operation under faults is: its command, its requests and its check."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faults.world import World


@dataclass(frozen=True)
class Context:
    """One run of an operation: with its folder, prefix and table."""

    world: World
    folder: Path
    name: str

    @property
    def prefix(self) -> str:
        """A prefix that no other case writes to."""
        return f"out/{self.name}/"

    @property
    def table(self) -> str:
        """A table that no other case backs up."""
        return f"t_{self.name}"

    @property
    def output(self) -> Path:
        """What the command has written to standard output."""
        return self.folder / "stdout"

    @property
    def database(self) -> Path:
        """The case's own database."""
        return self.folder / "trading.db"


@dataclass(frozen=True)
class Claim:
    """What the program said at its end."""

    succeeded: bool
    output: str


Check = Callable[[Context, Claim], str]


@dataclass(frozen=True)
class Operation:
    """`uploads` and `downloads` are the request classes whose bodies carry the data.

    Args:
        name: for the case's name.
        arguments: the command line.
        action: another function for `Forks.start`, which gets the arguments and the bucket.
        check: compares the claim with the world.
        uploads: request classes whose request bodies matter.
        downloads: request classes whose answers matter.
        others: request classes with neither.
        prepare: makes what the command needs.
        piped: a local file for standard input; standard output is written to `output`.
        repeats: whether a command sends several requests of its main classes.
    """

    name: str
    arguments: Callable[[Context], list[str]]
    check: Check
    uploads: tuple[str, ...] = ()
    downloads: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    prepare: Callable[[Context], None] = lambda _context: None
    repeats: bool = False
    piped: str = ""
    action: str = "command"
