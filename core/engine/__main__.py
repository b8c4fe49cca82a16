"""`python -m core.engine`: the child that `core.engine.client` starts; not for people."""

import sys

from core.engine.host import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
