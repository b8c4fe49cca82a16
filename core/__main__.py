"""`python -m core`: the command line."""

from core.cli import main
from core.cli.leaving import leave

if __name__ == "__main__":
    leave(main())
