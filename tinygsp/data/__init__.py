"""Data sets: IDX files, MNIST, the toy problem, tables, or arrays of your own, each as a Dataset.

A Dataset has training, validation and test arrays and the scaling of the input. `files.py` reads and writes files
safely, for this room and for those above it. Read `dataset.py` first.
"""

from tinygsp.data.arrays import from_arrays
from tinygsp.data.dataset import DataError, Dataset
from tinygsp.data.idx import MAGIC, read_idx
from tinygsp.data.options import ReadOptions
from tinygsp.data.sources import MNIST, TEST, TRAIN, load
from tinygsp.data.splits import minibatches, split
from tinygsp.data.toy_problem import toy

__all__ = [
    "MAGIC", "MNIST", "TEST", "TRAIN",
    "DataError", "Dataset", "ReadOptions", "from_arrays", "load", "minibatches", "read_idx", "split", "toy",
]  # fmt: skip
