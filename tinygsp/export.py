"""python -m tinygsp.export: write a pruned network as C, ONNX, Python, JavaScript or JSON. See commands/export.py."""

import sys

from tinygsp.commands.export import main

if __name__ == "__main__":
    sys.exit(main())
