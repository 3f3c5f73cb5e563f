"""`python -m api.cli`: what the launcher `reel` becomes."""

import sys

from api.cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
