"""python -m tinygsp.sweep: compare methods, densities and seeds, on one machine or many. See commands/sweep.py."""

import sys

from tinygsp.commands.sweep import main

if __name__ == "__main__":
    sys.exit(main())
