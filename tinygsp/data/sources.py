"""Load a data set by its name: the MNIST that is shipped, the toy problem, or a folder of four IDX files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tinygsp.data.dataset import DataError, Dataset, pixel_mean_and_std
from tinygsp.data.idx import read_idx
from tinygsp.data.splits import validation_split
from tinygsp.data.toy_problem import toy

TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def mnist_folder(room: Path) -> Path:
    """The folder of the four MNIST files, for a package whose `tinygsp/data` is the folder `room`.

    An installed package has them inside, in `tinygsp/data/mnist`; a clone of the repository beside the package, in
    `data/mnist`. The first that exists is taken; if none does, the error names the second.
    """
    inside, beside = room / "mnist", room.parent.parent / "data" / "mnist"
    return inside if inside.is_dir() else beside


MNIST = mnist_folder(Path(__file__).resolve().parent)


def load(name: str | os.PathLike, seed: int = 0, split_seed: int = 0) -> Dataset:
    """Load a data set: "mnist" (shipped), "toy", or the path of a folder with four IDX files.

    seed       : draws the toy problem; files are the same for every seed
    split_seed : chooses the validation images; apart from `seed`, so that runs of all seeds use the same ones

    Raises DataError, one line that names the file.
    """
    if name == "toy":
        return toy(seed)
    if name == "mnist":
        dataset = _load_folder("mnist", MNIST, split_seed)
        if dataset.n_out != 10:
            raise DataError(f"{MNIST}: labels 0 to {dataset.n_out - 1}; those of MNIST are 0 to 9")
        return dataset
    if not os.path.isdir(name):
        raise DataError(f"data set {str(name)!r} unknown; use mnist, toy, or a folder of four IDX files")
    return _load_folder(str(name), Path(name), split_seed)


def _load_folder(name: str, folder: Path, split_seed: int) -> Dataset:
    """Read four IDX files, check that they fit together, and set a twelfth of the training images apart."""
    paths = _find_files(folder)
    images, labels = _read_pair(*(paths[part] for part in TRAIN))
    test_images, test_labels = _read_pair(*(paths[part] for part in TEST))
    n, *input_shape = images.shape
    largest = int(labels.max())
    if n < 2:
        raise DataError(f"{paths[TRAIN[0]]}: {n} image; at least 2 are needed, to train and to validate")
    if test_images.shape[1:] != images.shape[1:]:
        raise DataError(
            f"{paths[TEST[0]]}: images of {test_images.shape[1:]} pixels; those to train on have {images.shape[1:]}"
        )
    if labels.min() == largest:
        raise DataError(f"{paths[TRAIN[1]]}: every label is {largest}; at least 2 classes are needed")
    if test_labels.max() > largest:
        raise DataError(
            f"{paths[TEST[1]]}: label {test_labels.max()} is a class without training images, whose labels are 0 to "
            f"{largest}; add some to train on, or remove its test images"
        )

    images, test_images = images.reshape(n, -1), test_images.reshape(len(test_images), -1)
    train, val = validation_split(n, split_seed)
    train_x = images[train]
    mean, std = pixel_mean_and_std(train_x)
    return Dataset(
        name, train_x, labels[train], images[val], labels[val], test_images, test_labels,
        task="classification", n_out=largest + 1, class_names=tuple(str(label) for label in range(largest + 1)),
        input_shape=tuple(input_shape), divisor=255.0, mean=mean, std=std,
    )  # fmt: skip


def _find_files(folder: Path) -> dict[str, Path]:
    """Map each of the four names to its path in folder: the plain file, else the one that ends in .gz."""
    found = {}
    for name in TRAIN + TEST:
        for path in (folder / (name + ".gz"), folder / name):
            if os.path.isfile(path):
                found[name] = path
    missing = [name for name in TRAIN + TEST if name not in found]
    if missing:
        raise DataError(f"{folder}: missing {', '.join(missing)}; each is needed, plain or with .gz")
    return found


def _read_pair(images_path: Path, labels_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images and their labels: (n, rows, cols) uint8 and (n,) int64."""
    images, labels = read_idx(images_path, "images"), read_idx(labels_path, "labels")
    if len(images) != len(labels):
        raise DataError(f"{labels_path}: {len(labels)} labels for {len(images)} images; each image needs one label")
    return images, labels.astype(np.int64)
