"""Load a data set by its name: the MNIST that is shipped, the toy problem, a folder of IDX files, or a table.

What does the work stands in `folders.py`, `tables.py` and `array_files.py`; here is only the choice between them.
"""

from __future__ import annotations

import os
from pathlib import Path

from tinygsp.data.array_files import load_npy, load_npz
from tinygsp.data.dataset import DataError, Dataset
from tinygsp.data.folders import TEST, TRAIN, load_folder
from tinygsp.data.options import ReadOptions
from tinygsp.data.table_sets import load_table
from tinygsp.data.text_files import PACKED
from tinygsp.data.toy_problem import toy

__all__ = ["MNIST", "NAMES", "TEST", "TRAIN", "load", "mnist_folder"]

NAMES = ("mnist", "toy")  # of data sets that are no path
TABLES = (".csv", ".tsv", ".tab", ".txt", ".parquet")
USABLE = {  # which options of ReadOptions make sense, by what is read
    "mnist": set(),
    "toy": set(),
    "folder": {"transpose", "class_names"},
    "table": {"target", "task", "test", "missing", "categories", "drop", "encoding"},
    ".npz": {"task", "transpose", "class_names"},
    ".npy": {"target", "task"},
}


def mnist_folder(room: Path) -> Path:
    """The folder of the four MNIST files, for a package whose `tinygsp/data` is the folder `room`.

    An installed package has them inside, in `tinygsp/data/mnist`; a clone of the repository beside the package, in
    `data/mnist`. The first that exists is taken; if none does, the error names the second.
    """
    inside, beside = room / "mnist", room.parent.parent / "data" / "mnist"
    return inside if inside.is_dir() else beside


MNIST = mnist_folder(Path(__file__).resolve().parent)


def load(name: str | os.PathLike, seed: int = 0, split_seed: int = 0, options: ReadOptions | None = None) -> Dataset:
    """Load a data set: "mnist" (shipped), "toy", the path of a folder with four IDX files, or that of a table.

    seed       : draws the toy problem; files are the same for every seed
    split_seed : chooses the validation samples; apart from `seed`, so that runs of all seeds use the same ones
    options    : how to read a file, such as the column to predict

    A table is a .csv, .tsv or .parquet file, an .npz file of arrays x and y, or x.npy with y.npy as the target. Raises
    DataError, one line that names the file.
    """
    options, path = options or ReadOptions(), Path(name)
    kind = kind_of(name)
    if unusable := sorted(options.given().keys() - USABLE[kind]):
        flag = unusable[0].replace("_", "-")
        raise DataError(f"{name}: --{flag} does not apply to it; leave it out")
    if kind == "toy":
        return toy(seed)
    if kind == "mnist":
        dataset = load_folder("mnist", MNIST, split_seed)
        if dataset.n_out != 10:
            raise DataError(f"{MNIST}: labels 0 to {dataset.n_out - 1}; those of MNIST are 0 to 9")
        return dataset
    class_names = Path(options.class_names) if options.class_names else None
    if kind == "folder":
        return load_folder(str(name), path, split_seed, options.transpose, class_names)
    if kind == ".npz":
        return load_npz(str(name), path, split_seed, options.task, options.transpose, class_names)
    if kind == ".npy":
        return load_npy(str(name), path, split_seed, options.target, options.task)
    return load_table(str(name), path, options, split_seed)


def kind_of(name: str | os.PathLike) -> str:
    """What a name stands for: a key of USABLE. Raises DataError if that cannot be known, or nothing is there."""
    if name in NAMES:
        return str(name)
    if os.path.isdir(name):
        return "folder"
    suffix = Path(name).suffix.lower()
    if not (suffix in TABLES or suffix in USABLE or suffix in PACKED):
        raise DataError(
            f"data set {str(name)!r} unknown; use mnist, toy, or a folder of four IDX files, or a table: "
            "a file .csv, .tsv, .parquet, .npz or .npy"
        )
    if not os.path.exists(name):
        raise DataError(f"{name}: there is no such file")
    if suffix in PACKED:
        raise DataError(f"{name}: is compressed; unpack it first")
    return suffix if suffix in USABLE else "table"
