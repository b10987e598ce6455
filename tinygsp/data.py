"""Data sets: where the numbers come from that a network learns.

Everything else in the library trusts its arrays, so this is the one place where a file is doubted: its
magic number, its sizes and its length are checked before a pixel is believed. MNIST and its relatives
come as four IDX files; the toy problem is two formulas. Both end as a Dataset: training, validation and
test arrays, and the scaling of the input. Read layers.py next: it is where these arrays go.
"""
import gzip
import math
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinygsp.files import CHUNK, read_up_to

MNIST = Path(__file__).resolve().parent.parent / "data" / "mnist"
TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

MAGIC = {"images": 2051, "labels": 2049}  # 0x08 = unsigned bytes, then the number of dimensions: 3 or 1
MAX_BYTES = 600 * 2**20    # of pixels or labels in one file, thirteen times MNIST
MAX_PIXELS = 2**16         # of one image: 256 x 256
MAX_RATIO = 100            # of the bytes in a file to its size, above SMALL; images are below 10, bombs at 1,000
SMALL = 2**26


class DataError(ValueError):
    """A data set that is missing, damaged or inconsistent; one line says what and what would be right."""


@dataclass(frozen=True, eq=False)  # eq=False: comparing two arrays gives an array, not a yes or no
class Dataset:
    """Three splits of one problem. The input of a network is x = (value / divisor - mean) / std.

    x of images : (n, rows * cols) uint8      y of a classification : (n,) int64
    x otherwise : (n, n_in) float32           y of a regression     : (n, n_out) float32
    """
    name: str                      # as given to load
    train_x: np.ndarray
    train_y: np.ndarray
    val_x: np.ndarray
    val_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    task: str                      # "classification" or "regression"
    n_out: int
    class_names: tuple[str, ...]   # one per output
    input_shape: tuple[int, ...]   # (28, 28) for MNIST
    divisor: float
    mean: float
    std: float

    def __post_init__(self):
        """Arrays made by hand are checked as well: compiled loops trust every label and every shape."""
        for part in ("train", "val", "test"):
            x, y = getattr(self, part + "_x"), getattr(self, part + "_y")
            if x is not None:  # a split may be left out
                check_split(part, x, y, self)

    @property
    def n_in(self):
        return self.train_x.shape[1]


def check_split(part, x, y, dataset):
    """Raise a DataError unless x and y are what Dataset promises of the split `part`."""
    classes = dataset.task == "classification"
    if x.ndim != 2 or x.shape[1] != dataset.n_in or len(x) == 0:
        raise DataError(f"{part}_x has shape {x.shape}; expected (n, {dataset.n_in}), n at least 1")
    if y.shape != ((len(x),) if classes else (len(x), dataset.n_out)):
        expected = f"({len(x)},)" if classes else f"({len(x)}, {dataset.n_out})"
        raise DataError(f"{part}_y has shape {y.shape}; expected {expected}")
    for name, array in ((f"{part}_x", x), (f"{part}_y", y)):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DataError(f"{name} has a nan or inf; every number must be finite")
    if classes and (y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= dataset.n_out):
        raise DataError(f"{part}_y is {y.dtype} from {y.min()} to {y.max()}; "
                        f"labels of {dataset.n_out} classes are integers from 0 to {dataset.n_out - 1}")


# ---- IDX files -------------------------------------------------------------------------------------------

def read_idx(path, kind="images"):
    """Read an IDX file, gzipped or plain.

    kind : "images" -> (n, rows, cols) uint8, "labels" -> (n,) uint8
    """
    try:
        with open(path, "rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"  # the content decides, a name may lie
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            return _parse_idx(gzip.open(file) if zipped else file, path, kind, size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: damaged gzip file ({error}); fetch or compress it again") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); expected a file") from error


def _parse_idx(file, path, kind, file_size):
    """Header first: big-endian uint32 magic, n and, for images, rows and cols. Then one byte per value."""
    header_size = 16 if kind == "images" else 8
    header = file.read(header_size)
    if not header:
        raise DataError(f"{path}: empty, 0 bytes; expected an IDX file of {kind}")
    magic = int.from_bytes(header[:4], "big")
    if magic != MAGIC[kind]:
        names = {number: f"an IDX file of {name}" for name, number in MAGIC.items()}
        found = names.get(magic, "not an IDX file of bytes")
        raise DataError(f"{path}: magic number {magic}, {found}; {kind} start with {MAGIC[kind]}")
    if len(header) < header_size:
        raise DataError(f"{path}: truncated, {len(header)} bytes; the header alone has {header_size}")

    shape = tuple(int.from_bytes(header[i:i + 4], "big") for i in range(4, header_size, 4))
    expected = math.prod(shape)  # Python integers: they cannot overflow
    if expected == 0:
        raise DataError(f"{path}: size {shape} in the header; every size must be at least 1")
    if expected > MAX_BYTES or math.prod(shape[1:]) > MAX_PIXELS:
        raise DataError(f"{path}: size {shape} in the header is too large; "
                        f"at most {MAX_PIXELS} pixels an image and {MAX_BYTES} bytes a file are read")

    if expected > max(SMALL, MAX_RATIO * file_size):
        raise DataError(f"{path}: size {shape} in the header is {expected} bytes, in a file of {file_size}; "
                        f"above {SMALL} bytes a file may inflate {MAX_RATIO} times")

    body = read_up_to(file, expected + 1)  # one byte too many tells that the file is too long, whatever follows
    if len(body) < expected:
        raise DataError(f"{path}: truncated, {len(body)} bytes after the header; size {shape} is {expected}")
    if len(body) > expected:
        raise DataError(f"{path}: too long, bytes go on after the {expected} of size {shape}")
    return np.frombuffer(body, np.uint8).reshape(shape)


def _find_idx(folder):
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


def _read_pair(images_path, labels_path):
    """Images and the labels that belong to them: (n, rows, cols) uint8 and (n,) int64."""
    images, labels = read_idx(images_path, "images"), read_idx(labels_path, "labels")
    if len(images) != len(labels):
        raise DataError(f"{labels_path}: {len(labels)} labels for {len(images)} images; one each is needed")
    return images, labels.astype(np.int64)


# ---- Data sets -------------------------------------------------------------------------------------------

def load(name, seed=0, split_seed=0):
    """Load a data set: "mnist" (shipped), "toy", or the path of a folder with four IDX files.

    seed       : draws the toy problem; files are the same for every seed
    split_seed : chooses the validation images, apart from seed so that all runs are judged on the same ones
    """
    if name == "toy":
        return toy(seed)
    if name == "mnist":
        dataset = _load_folder(name, MNIST, split_seed)
        if dataset.n_out != 10:
            raise DataError(f"{MNIST}: labels 0 to {dataset.n_out - 1}; those of MNIST are 0 to 9")
        return dataset
    if not os.path.isdir(name):
        raise DataError(f"data set {str(name)!r} unknown; use mnist, toy, or a folder of four IDX files")
    return _load_folder(str(name), Path(name), split_seed)


def _load_folder(name, folder, split_seed):
    """Read four IDX files, hold them against each other, and set a twelfth of the training files apart."""
    paths = _find_idx(folder)
    images, labels = _read_pair(*(paths[part] for part in TRAIN))
    test_images, test_labels = _read_pair(*(paths[part] for part in TEST))
    n, *input_shape = images.shape
    largest = int(labels.max())
    if n < 2:
        raise DataError(f"{paths[TRAIN[0]]}: {n} image; at least 2 are needed, to train and to validate")
    if test_images.shape[1:] != images.shape[1:]:
        raise DataError(f"{paths[TEST[0]]}: images of {test_images.shape[1:]} pixels; "
                        f"those to train on have {images.shape[1:]}")
    if labels.min() == largest:
        raise DataError(f"{paths[TRAIN[1]]}: every label is {largest}; at least 2 classes are needed")
    if test_labels.max() > largest:
        raise DataError(f"{paths[TEST[1]]}: mislabelled, label {test_labels.max()}; "
                        f"the training labels are 0 to {largest}")

    images, test_images = images.reshape(n, -1), test_images.reshape(len(test_images), -1)
    train, val = split(n, max(1, n // 12), np.random.default_rng(split_seed))  # MNIST: 55,000 and 5,000
    train_x = images[train]
    mean, std = _mean_and_std(train_x)
    return Dataset(name, train_x, labels[train], images[val], labels[val], test_images, test_labels,
                   task="classification", n_out=largest + 1,
                   class_names=tuple(str(label) for label in range(largest + 1)),
                   input_shape=tuple(input_shape), divisor=255.0, mean=mean, std=std)


def _mean_and_std(pixels):
    """Mean and standard deviation of pixels / 255, from a count of each of the 256 values.

    Three integer sums, S_k = sum of value**k, are exact in any order, so every machine agrees to the bit:

        mean = S1 / S0        std = sqrt(S0 * S2 - S1**2) / S0        (std 0, one value only, becomes 1)
    """
    flat = pixels.reshape(-1)
    # In pieces, as bincount widens every byte to eight.
    counts = sum(np.bincount(flat[i:i + CHUNK], minlength=256) for i in range(0, flat.size, CHUNK))
    values = np.arange(256, dtype=np.int64)
    s0, s1, s2 = (int(counts @ values**power) for power in range(3))
    return s1 / s0 / 255, math.sqrt(s0 * s2 - s1**2) / s0 / 255 or 1.0


def toy(seed, n_train=8000, n_val=1000, n_test=2000):
    """Two functions of two inputs each; a network pruned well keeps them apart.

        y1 = 3 sin((x1 - x2)**2)        y2 = (x3 + x4)**3        x uniform in [-1, 1]
    """
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n_train + n_val + n_test, 4)).astype(np.float32)
    x1, x2, x3, x4 = x.T.astype(np.float64)
    y = np.column_stack([3 * np.sin((x1 - x2)**2), (x3 + x4)**3]).astype(np.float32)  # (n, 2)
    train, val, test = slice(n_train), slice(n_train, n_train + n_val), slice(n_train + n_val, None)
    return Dataset("toy", x[train], y[train], x[val], y[val], x[test], y[test],
                   task="regression", n_out=2, class_names=("y1", "y2"),
                   input_shape=(4,), divisor=1.0, mean=0.0, std=1.0)


# ---- Order -----------------------------------------------------------------------------------------------

def split(n, n_val, rng):
    """Deal the indices 0 .. n-1 out at random: n - n_val to train on, n_val to validate with."""
    order = rng.permutation(n)
    return order[n_val:], order[:n_val]


def minibatches(n, batch_size, rng):
    """One epoch: index arrays of at most batch_size that visit each of n samples once, in a new order.

    The samples are shuffled, not the batches: who is in a batch with whom changes with every epoch.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    order = rng.permutation(n).astype(np.int64, copy=False)
    return (order[i:i + batch_size] for i in range(0, n, batch_size))
