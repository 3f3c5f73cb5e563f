"""`python -m cli`: the program that the launcher `reel` starts."""

import sys

from cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
