"""The pruned network: its numbers, how to use it, and its file.

Read `layer.py` first, then `network.py`.
"""

from tinygsp.sparse.file import ModelFileError
from tinygsp.sparse.layer import ACTIVATIONS, Meta, SparseLayer
from tinygsp.sparse.network import SparseNetwork

__all__ = ["ACTIVATIONS", "Meta", "ModelFileError", "SparseLayer", "SparseNetwork"]
