"""python -m tinygsp.explain: show what a pruned network looks at, and how it decides. See commands/explain.py."""

import sys

from tinygsp.commands.explain import main

if __name__ == "__main__":
    sys.exit(main())
