"""Good files of every kind that the library reads, and the tools to build them from parts."""

import gzip
import io
import warnings
import zipfile

import numpy as np

from helpers.idx import idx_bytes
from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

f32 = np.float32


def npy(array):
    """The bytes of a .npy file of any array, objects too."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a version that old readers do not know
        np.lib.format.write_array(buffer, np.asanyarray(array), allow_pickle=True)
    return buffer.getvalue()


def array_of(data):
    """The array of the bytes of a .npy file."""
    return np.lib.format.read_array(io.BytesIO(data)).copy()


def npy_header(shape, descr="<f4", data=b"", text=None, version=b"\1\0"):
    """A .npy file with any header, true or not."""
    text = text or repr({"descr": descr, "fortran_order": False, "shape": shape})
    text = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + data


def archive(members, compression=zipfile.ZIP_DEFLATED):
    """A zip file of [(name, bytes)]; names may repeat."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a repeated name
        for name, content in members:
            file.writestr(zipfile.ZipInfo(name), content, compression)
    return buffer.getvalue()


def members_of(content):
    """[(name, bytes)] of a zip file."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return [(info.filename, file.read(info)) for info in file.infolist()]


def network(seed, sizes=(6, 4, 3)):
    """A random SparseNetwork of three classes."""
    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:]):
        row, col = np.nonzero(rng.random((n_in, n_out)) < 0.6)
        weight, bias = rng.normal(size=row.size), rng.normal(size=n_out)
        layers.append(
            SparseLayer((n_in, n_out), row.astype(np.int32), col.astype(np.int32), weight.astype(f32), bias.astype(f32))
        )
    meta = Meta("relu", divisor=255.0, mean=0.1, std=0.3, class_names=("a", "b", "c"), input_shape=(2, 3))
    return SparseNetwork(layers, meta)


def state():
    """Arrays like those of a checkpoint: scalars, matrices, a mask, nothing at all."""
    rng = np.random.default_rng(0)
    return {
        "epoch": np.int64(3),
        "price": np.float64(0.1),
        "done": np.bool_(True),
        "empty": np.zeros((0, 4), f32),
        "layer0_W": rng.normal(size=(5, 4)).astype(f32),
        "layer0_index": np.arange(20, dtype=np.uint32),
        "mask": rng.random(9) < 0.5,
        "history": np.zeros((2, 3, 4)),
        "text": np.frombuffer(b"{}", np.uint8),
    }


def checkpoint(save=np.savez):
    """The bytes of a .npz file of `state()`."""
    buffer = io.BytesIO()
    save(buffer, **state())
    return buffer.getvalue()


IMAGES, LABELS = np.arange(60, dtype=np.uint8).reshape(5, 3, 4), np.arange(5, dtype=np.uint8)
GOOD = {
    "images": [idx_bytes(IMAGES), gzip.compress(idx_bytes(IMAGES), mtime=0)],
    "labels": [idx_bytes(LABELS), gzip.compress(idx_bytes(LABELS), mtime=0)],
    "model": [network(0).to_bytes(), archive(members_of(network(1, (6, 3)).to_bytes()), zipfile.ZIP_STORED)],
    "state": [checkpoint(), checkpoint(np.savez_compressed)],
}
EVERY = [content for contents in GOOD.values() for content in contents]
