"""Data sets as files of arrays: x and y in one .npz, MedMNIST's .npz, or a pair of .npy files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tinygsp.data.arrays import from_arrays
from tinygsp.data.dataset import DataError, Dataset
from tinygsp.data.folders import make_dataset, read_class_names
from tinygsp.data.splits import TEST_SHARE, VALIDATION_SHARE, shares

MAX_ARRAY_BYTES = 2**31  # of one array, and of all in a file
KINDS = "biufU"  # bool, integers, floats, texts: what needs no pickle


def load_npz(
    name: str, path: Path, split_seed: int, task: str | None, transpose: bool, class_names: Path | None
) -> Dataset:
    """Read an .npz file: x (or X) and y, and names of the columns in `names` or `feature_names` if there are any;
    x_test and y_test if there are. Or train_images, train_labels, test_images and so on, as in MedMNIST.
    """
    arrays = read_npz(path)
    if "train_images" in arrays:
        return load_medmnist(name, path, arrays, transpose, class_names)
    x, y = (arrays.get(key, arrays.get(key.upper())) for key in ("x", "y"))
    if x is None or y is None:
        raise DataError(f"{path}: has the arrays {', '.join(sorted(arrays)[:8])}; expected x and y")
    names = arrays.get("names", arrays.get("feature_names"))
    test = None
    if "x_test" in arrays and "y_test" in arrays:
        test = arrays["x_test"], _targets(arrays["y_test"], task)
    return split_arrays(name, path, x, _targets(y, task), test, split_seed, names)


def load_npy(name: str, path: Path, split_seed: int, target: str | None, task: str | None) -> Dataset:
    """Read x from one .npy file and y from another, `target`."""
    if not target:
        raise DataError(f"{path}: --target is missing; name the file of y, as in --target y.npy")
    x, y = read_npy_file(path), read_npy_file(Path(target))
    return split_arrays(name, path, x, _targets(y, task), None, split_seed)


def split_arrays(
    name: str,
    path: Path,
    x: np.ndarray,
    y: np.ndarray,
    test: tuple[np.ndarray, np.ndarray] | None,
    split_seed: int,
    names: Any = None,
) -> Dataset:
    """Set samples apart to validate and, without a test split, to test with; make a Dataset of all of them."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        raise DataError(f"{path}: x has shape {x.shape} and y {y.shape}; expected a row of both for each sample")
    by_class = None if y.dtype.kind == "f" else y
    rest, test_rows = shares(len(x), 0.0 if test else TEST_SHARE, split_seed, by_class)
    train_rows, val_rows = shares(len(rest), VALIDATION_SHARE, split_seed, None if by_class is None else y[rest])
    train_rows, val_rows = rest[train_rows], rest[val_rows]
    if not len(val_rows) or not (test or len(test_rows)):
        raise DataError(f"{path}: {len(x)} samples are too few to train, validate and test with")
    try:
        return from_arrays(
            x[train_rows], y[train_rows], validation=(x[val_rows], y[val_rows]),
            test=test or (x[test_rows], y[test_rows]), input_names=names, name=name,
        )  # fmt: skip
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def load_medmnist(
    name: str, path: Path, arrays: dict[str, np.ndarray], transpose: bool, class_names: Path | None
) -> Dataset:
    """A Dataset of train_images, train_labels, test_images and test_labels; val_images stay with the training ones."""
    splits = {}
    for split in ("train", "test"):
        images, labels = arrays.get(f"{split}_images"), arrays.get(f"{split}_labels")
        if images is None or labels is None:
            raise DataError(f"{path}: has no {split}_images or no {split}_labels; both are needed")
        if labels.ndim == 2 and labels.shape[1] > 1:
            raise DataError(f"{path}: {split}_labels has {labels.shape[1]} labels an image; one is supported")
        if images.ndim not in (3, 4) or images.dtype != np.uint8 or labels.size != len(images) or not images.size:
            raise DataError(
                f"{path}: {split}_images is {images.dtype} {images.shape}, {split}_labels {labels.shape}; "
                "expected uint8 (n, rows, columns) or (n, rows, columns, 3), and n labels"
            )
        splits[split] = images.swapaxes(1, 2) if transpose else images, labels.reshape(-1)
    classes = np.unique(splits["train"][1])
    if len(classes) < 2:
        raise DataError(f"{path}: every label is {classes[0]}; at least 2 classes are needed")
    if (strange := splits["test"][1][~np.isin(splits["test"][1], classes)]).size:
        raise DataError(f"{path}: the label {strange[0]} occurs in test_labels only; a class needs training images")
    if splits["train"][0].shape[1:] != splits["test"][0].shape[1:]:
        raise DataError(f"{path}: train_images and test_images differ in size")
    named = read_class_names(class_names, classes.tolist()) if class_names else tuple(map(str, classes.tolist()))
    pairs = [(images, np.searchsorted(classes, labels).astype(np.int64)) for images, labels in splits.values()]
    return make_dataset(name, *pairs, named, 0)


def _targets(y: np.ndarray, task: str | None) -> np.ndarray:
    """The targets as the task has them: floats make a regression, everything else is classes."""
    if task == "regression":
        if y.dtype.kind not in "biuf":
            raise DataError(f"y is {y.dtype}, and texts are no numbers; leave out --task regression")
        return y.astype(np.float64)
    if y.dtype.kind == "f" and (task == "classification" or _looks_like_classes(y)):
        whole = np.isfinite(y).all() and (y == np.round(y)).all()
        return y.astype(np.int64) if whole and np.abs(y).max(initial=0) < 2**53 else y.astype(str)
    return y


def _looks_like_classes(y: np.ndarray) -> bool:
    """Whether floats are few whole numbers that occur again and again."""
    if y.ndim > 1 and y.shape[1] > 1:
        return False
    values = np.unique(y)
    return len(values) <= min(20, len(y) / 5) and bool((values == np.round(values)).all())


# --- reading ------------------------------------------------------------------------------------------------


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Read every array of an .npz file. Sizes are checked before memory is taken; nothing is unpickled."""
    import zipfile

    arrays, total = {}, 0
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist()[:100]:
                with archive.open(member) as file:
                    arrays[member.filename.removesuffix(".npy")] = array = _read_array(file, member.file_size)
                total += array.nbytes
                if total > MAX_ARRAY_BYTES:
                    raise ValueError(f"more than {MAX_ARRAY_BYTES} bytes")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); expected an .npz file") from error
    except Exception as error:  # zip and zlib fail in a dozen ways on a damaged file
        raise DataError(f"{path}: {str(error)[:200]}; expected an .npz file of numbers or texts, undamaged") from error
    return arrays


def read_npy_file(path: Path) -> np.ndarray:
    """Read the array of an .npy file. Its size is checked before memory is taken; nothing is unpickled."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            return _read_array(file, size)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); expected an .npy file") from error
    except Exception as error:  # NumPy fails in several ways on a damaged header
        raise DataError(f"{path}: {str(error)[:200]}; expected an .npy file of numbers or texts, undamaged") from error


def _read_array(file: Any, size: int) -> np.ndarray:
    """Read one array of the .npy format from a file of `size` bytes."""
    version = np.lib.format.read_magic(file)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read_header:
        raise ValueError(f"version {version} of the format is not known")
    shape, is_fortran, dtype = read_header[version](file)
    count = 1
    for length in shape:
        count *= length
    bytes_needed = count * dtype.itemsize
    if dtype.kind not in KINDS:
        raise ValueError(f"an array is {dtype}")
    if not bytes_needed <= min(size, MAX_ARRAY_BYTES) or any(length < 0 for length in shape):
        raise ValueError(f"an array of {bytes_needed} bytes is announced in {size}")
    body = file.read(bytes_needed)
    if len(body) != bytes_needed:
        raise ValueError("truncated")
    array = np.frombuffer(body, dtype).reshape(shape, order="F" if is_fortran else "C")
    return array.astype(dtype.newbyteorder("="), order="C", copy=False)
