"""``python -m pushserver`` is ``pushserver``."""

import sys

from pushserver.cli import main

if __name__ == "__main__":
    sys.exit(main())
