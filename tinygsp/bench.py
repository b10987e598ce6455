"""python -m tinygsp.bench: measure kernels, training steps and inference, side by side. See commands/bench/."""

import sys

from tinygsp.commands.bench import main

if __name__ == "__main__":
    sys.exit(main())
