"""Put the four IDX files of a folder together, under the names that they have in the world.

MNIST's own names, plain or with .gz; Kaggle's, with a dot or in folders named like the file; a prefix before the name,
as EMNIST and QMNIST have. Labels become the classes that occur. What is odd is said in the notes of the Dataset.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from tinygsp.data.dataset import DataError, Dataset, pixel_mean_and_std
from tinygsp.data.idx import read_idx
from tinygsp.data.limits import shown
from tinygsp.data.splits import validation_split

TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
ROLES = {("train", "images"): TRAIN[0], ("train", "labels"): TRAIN[1], ("test", "images"): TEST[0],
         ("test", "labels"): TEST[1]}  # fmt: skip
NAME = re.compile(r"(?:(.+)-)?(train|t10k|test)-(images|labels)[-.]idx[1-4]-[a-z]+?(?:\.gz)?", re.IGNORECASE)


def load_folder(
    name: str, folder: Path, split_seed: int, transpose: bool = False, class_names: Path | None = None
) -> Dataset:
    """Read four IDX files, check that they fit together, and set a twelfth of the training images apart.

    transpose   : exchange rows and columns of every image, which EMNIST stores the wrong way round
    class_names : a text file with a name for each class; without one, a file *-mapping.txt in the folder is used
    """
    paths, prefix = find_files(folder)
    images, labels = _read_pair(*(paths[part] for part in TRAIN))
    test_images, test_labels = _read_pair(*(paths[part] for part in TEST))
    if len(images) < 2:
        raise DataError(f"{paths[TRAIN[0]]}: {len(images)} image; at least 2 are needed, to train and to validate")
    if test_images.shape[1:] != images.shape[1:]:
        raise DataError(
            f"{paths[TEST[0]]}: images of {test_images.shape[1:]} pixels; those to train on have {images.shape[1:]}"
        )
    if images.min() == images.max():
        raise DataError(f"{paths[TRAIN[0]]}: every pixel is {images.flat[0]}; images that never vary say nothing")
    if images.dtype != test_images.dtype:
        images, test_images = images.astype(np.float32), test_images.astype(np.float32)
    notes = []
    if transpose:
        if images.ndim < 3:
            raise DataError(f"{paths[TRAIN[0]]}: images of {images.shape[1:]} pixels have no rows to exchange")
        images, test_images = images.swapaxes(1, 2), test_images.swapaxes(1, 2)
    elif prefix.lower().startswith("emnist"):
        notes.append("EMNIST stores rows as columns; --transpose puts its images upright")
    classes, labels, test_labels = _to_classes(labels, test_labels, paths)
    if classes != list(range(len(classes))):
        notes.append(f"{len(classes)} classes, with the labels {_written(classes)}")
    names = _class_names(folder, class_names, classes)
    return make_dataset(name, (images, labels), (test_images, test_labels), names, split_seed, tuple(notes))


def make_dataset(
    name: str,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    class_names: tuple[str, ...],
    split_seed: int,
    notes: tuple[str, ...] = (),
) -> Dataset:
    """A Dataset of images (n, ...) uint8 or float32 and their classes; a twelfth of the training images validates."""
    (images, labels), (test_images, test_labels) = train, test
    n, *input_shape = images.shape
    images, test_images = images.reshape(n, -1), test_images.reshape(len(test_images), -1)
    train_rows, val_rows = validation_split(n, split_seed)
    train_x = images[train_rows]
    if images.dtype == np.uint8:
        divisor, (mean, std) = 255.0, pixel_mean_and_std(train_x)
    else:
        divisor, mean, std = 1.0, float(train_x.mean(dtype=np.float64)), float(train_x.std(dtype=np.float64)) or 1.0
    return Dataset(
        name, train_x, labels[train_rows], images[val_rows], labels[val_rows], test_images, test_labels,
        task="classification", n_out=len(class_names), class_names=class_names, input_shape=tuple(input_shape),
        divisor=divisor, mean=mean, std=std, notes=notes,
    )  # fmt: skip


def find_files(folder: Path) -> tuple[dict[str, Path], str]:
    """Map each of the four names of MNIST to a file of the folder; also the prefix that the names have there, or "".

    The exact names come first, then plain files, then those that end in .gz.
    """
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        match = NAME.fullmatch(path.name)
        if match and path.is_dir():  # Kaggle: a folder of that name, with the file in it
            path = next((inside for inside in sorted(path.iterdir()) if NAME.fullmatch(inside.name)), path)
        if match and path.is_file():
            part = "train" if match[2].lower() == "train" else "test"
            role = ROLES[part, match[3].lower()]
            files = found.setdefault(match[1] or "", {})
            if role not in files or _rank(path, role) < _rank(files[role], role):
                files[role] = path
    whole = [prefix for prefix, files in found.items() if len(files) == 4]
    if "" in whole or len(whole) == 1:
        prefix = "" if "" in whole else whole[0]
        return found[prefix], prefix
    if whole:
        raise DataError(f"{folder}: holds {', '.join(map(shown, whole))}; put each data set into a folder of its own")
    files = max(found.values(), key=len, default={})
    missing = [name for name in TRAIN + TEST if name not in files]
    raise DataError(f"{folder}: missing {', '.join(missing)}; each is needed, plain or with .gz")


def _rank(path: Path, role: str) -> tuple[bool, bool]:
    return path.name.removesuffix(".gz") != role, path.name.endswith(".gz")


def _read_pair(images_path: Path, labels_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images and their labels: (n, ...) uint8 or float32, and (n,) int64."""
    images, labels = read_idx(images_path, "images"), read_idx(labels_path, "labels")
    if len(images) != len(labels):
        raise DataError(f"{labels_path}: {len(labels)} labels for {len(images)} images; each image needs one label")
    return images, labels.astype(np.int64)


def _to_classes(
    labels: np.ndarray, test_labels: np.ndarray, paths: dict[str, Path]
) -> tuple[list[int], np.ndarray, np.ndarray]:
    """(labels that occur, training labels as classes 0 to k - 1, test labels alike)."""
    classes = np.unique(labels)
    if len(classes) < 2:
        raise DataError(f"{paths[TRAIN[1]]}: every label is {labels[0]}; at least 2 classes are needed")
    strange = test_labels[~np.isin(test_labels, classes)]
    if strange.size:
        raise DataError(
            f"{paths[TEST[1]]}: label {strange[0]} is a class without training images, whose labels are "
            f"{_written(classes.tolist())}; add some to train on, or remove its test images"
        )
    return classes.tolist(), np.searchsorted(classes, labels), np.searchsorted(classes, test_labels)


def _written(classes: list[int]) -> str:
    """Write labels for a message: "1 to 26", or the first few of them."""
    if classes == list(range(classes[0], classes[-1] + 1)):
        return f"{classes[0]} to {classes[-1]}"
    few = ", ".join(map(str, classes[:6]))
    return few + (f", ... {classes[-1]}" if len(classes) > 6 else "")


def _class_names(folder: Path, path: Path | None, classes: list[int]) -> tuple[str, ...]:
    """A name for each label: from the file, if there is one, else the label itself."""
    path = path or next(iter(sorted(folder.glob("*mapping.txt"))), None)
    return read_class_names(path, classes) if path else tuple(map(str, classes))


def read_class_names(path: Path, classes: list[int]) -> tuple[str, ...]:
    """Read names of classes from a text file: a name a line, in the order of the labels, or a label and its name.

    In EMNIST's files a line has a label and the codes of its letters: "1 65 97" names the class 1 "A".
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); expected a name a line") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 text; expected a name a line") from error
    words = [re.split(r"[\s,;]+", line, maxsplit=1) for line in lines]
    if words and all(len(word) == 2 and re.fullmatch(r"-?\d{1,9}", word[0]) for word in words):
        named = {int(label): name.strip() for label, name in words}
        if all(re.fullmatch(r"\d{2,3}(\s+\d{2,3})*", name) for name in named.values()):
            named = {label: chr(int(name.split()[0])) for label, name in named.items()}
        if missing := [label for label in classes if label not in named]:
            raise DataError(f"{path}: has no name for the label {missing[0]}; each of {len(classes)} labels needs one")
        return tuple(named[label] for label in classes)
    if len(lines) != len(classes):
        raise DataError(f"{path}: {len(lines)} names for {len(classes)} classes; each class needs one, on a line")
    return tuple(lines)
