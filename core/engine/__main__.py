"""The engine process (`python -m core.engine`), which `core.engine.client` starts."""

import sys

from core.engine.host import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
