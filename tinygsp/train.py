"""python -m tinygsp.train: prune a network by gradient descent, and leave a run folder. See commands/train.py."""

import sys

from tinygsp.commands.train import main

if __name__ == "__main__":
    sys.exit(main())
