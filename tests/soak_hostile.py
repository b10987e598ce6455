"""Files from strangers, many of them: `python tests/soak_hostile.py --inputs 100000 --seed 0`.

Good files of each kind are spoiled at random, their bytes or their meaning, and read. The promise: a reader returns
what the format allows or raises its own error, in one line that names the file; it takes less than a gigabyte and
two seconds. Input number i depends on the seed and i alone: `--first i --inputs 1` brings a single one back.
`test_hostile.py` runs two thousand of them.
"""

import argparse
import bz2
import gzip
import io
import json
import math
import sys
import tempfile
import time
import warnings
import zipfile
import zlib
from collections import defaultdict
from functools import cache
from pathlib import Path

import numpy as np

from tinygsp.data import DataError, read_idx
from tinygsp.files import read_arrays
from tinygsp.sparse import Meta, ModelFileError, SparseLayer, SparseNetwork

MAX_SECONDS, MAX_MIB = 2.0, 1024
MIB = 2**20
f32 = np.float32


class StateError(ValueError):
    """What a reader of checkpoints would raise."""


# --- good files ---------------------------------------------------------------------------------------------


def idx(array, sizes=None, magic=None):
    """IDX bytes of an array; `sizes` and `magic` are what the header claims instead of the truth."""
    header = [magic or {3: 2051, 1: 2049}[array.ndim], *(array.shape if sizes is None else sizes)]
    return np.array(header, ">u4").tobytes() + array.tobytes()


def npy(array):
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a version that old readers do not know
        np.lib.format.write_array(buffer, np.asanyarray(array), allow_pickle=True)
    return buffer.getvalue()


def npy_header(shape, descr="<f4", data=b"", text=None, version=b"\1\0"):
    """A .npy file whose header says what it likes."""
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
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return [(info.filename, file.read(info)) for info in file.infolist()]


def network(seed, sizes=(6, 4, 3)):
    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:]):
        row, col = np.nonzero(rng.random((n_in, n_out)) < 0.6)
        weight, bias = rng.normal(size=row.size), rng.normal(size=n_out)
        layers.append(SparseLayer((n_in, n_out), row.astype(np.int32), col.astype(np.int32), weight.astype(f32),
                                  bias.astype(f32)))
    meta = Meta("relu", divisor=255.0, mean=0.1, std=0.3, class_names=("a", "b", "c"), input_shape=(2, 3))
    return SparseNetwork(layers, meta)


def state():
    """Arrays like those of a checkpoint: scalars, matrices, a mask, nothing at all."""
    rng = np.random.default_rng(0)
    return {"epoch": np.int64(3), "price": np.float64(0.1), "done": np.bool_(True), "empty": np.zeros((0, 4), f32),
            "layer0_W": rng.normal(size=(5, 4)).astype(f32), "layer0_index": np.arange(20, dtype=np.uint32),
            "mask": rng.random(9) < 0.5, "history": np.zeros((2, 3, 4)), "text": np.frombuffer(b"{}", np.uint8)}


def checkpoint(save=np.savez):
    buffer = io.BytesIO()
    save(buffer, **state())
    return buffer.getvalue()


IMAGES, LABELS = np.arange(60, dtype=np.uint8).reshape(5, 3, 4), np.arange(5, dtype=np.uint8)
GOOD = {
    "images": [idx(IMAGES), gzip.compress(idx(IMAGES), mtime=0)],
    "labels": [idx(LABELS), gzip.compress(idx(LABELS), mtime=0)],
    "model": [network(0).to_bytes(), archive(members_of(network(1, (6, 3)).to_bytes()), zipfile.ZIP_STORED)],
    "state": [checkpoint(), checkpoint(np.savez_compressed)],
}
EVERY = [content for contents in GOOD.values() for content in contents]


# --- spoiling bytes -----------------------------------------------------------------------------------------


def place(rng, content):
    return int(rng.integers(len(content) + 1))


def truncate(rng, content):
    return content[:place(rng, content)]


def extend(rng, content):
    return content + rng.bytes(int(rng.integers(1, 100)))


def prefix(rng, content):
    return rng.bytes(int(rng.integers(1, 100))) + content


def flip_bits(rng, content):
    content = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        content[rng.integers(len(content))] ^= 1 << rng.integers(8)
    return bytes(content)


def overwrite(rng, content):
    """Bytes or a 32-bit word become extreme."""
    start, size = place(rng, content), int(rng.choice([1, 2, 4, 8]))
    return content[:start] + bytes([rng.choice([0, 1, 127, 128, 255])]) * size + content[start + size:]


def remove(rng, content):
    start = place(rng, content)
    return content[:start] + content[start + int(rng.integers(1, 50)):]


def repeat(rng, content):
    a, b = sorted((place(rng, content), place(rng, content)))
    return content[:b] + content[a:]


def splice(rng, content):
    """The beginning of this file and the end of another."""
    other = EVERY[rng.integers(len(EVERY))]
    return content[:place(rng, content)] + other[place(rng, other):]


def noise(rng, content):
    return content[:int(rng.integers(20))] + rng.bytes(int(rng.integers(300)))


BYTES = [truncate, extend, prefix, flip_bits, overwrite, remove, repeat, splice, noise]
SIZES = [0, 1, 2, 4, 5, 6, 255, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1]


# --- spoiling an IDX file -----------------------------------------------------------------------------------


def idx_header(rng, content):
    """Sizes and perhaps a magic number that are not those of the data; half of them gzipped."""
    array = IMAGES if rng.random() < 0.5 else LABELS
    sizes = [int(rng.choice(SIZES)) if rng.random() < 0.6 else size for size in array.shape]
    spoiled = idx(array, sizes, int(rng.choice([0, 1, 2049, 2050, 2051])))
    return gzip.compress(spoiled) if rng.random() < 0.5 else spoiled


def idx_inside(rng, content):
    """Damage below an intact gzip."""
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    return gzip.compress(BYTES[rng.integers(len(BYTES))](rng, content))


def gzip_members(rng, content):
    """Several gzip streams one after another, many of them empty."""
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    cut = place(rng, content)
    parts = [content[:cut], *[b""] * int(rng.integers(50)), content[cut:]]
    return b"".join(map(gzip.compress, parts))


# --- spoiling a .npz file -----------------------------------------------------------------------------------


ODD = [-1, 0, 1, 2, 3, 7, 2**15, 2**24, 2**31 - 1, -2**31, 2**53, 2**62, -2**63]
DTYPES = ["?", "i1", "u1", "<i2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8", ">f4", ">i8", "<c8", "O", "U3", "S4",
          "<M8[s]", "<m8[s]", "V4", [("a", "<f4")]]


def changed(rng, content, change):
    """The file with one member, chosen at random, replaced by change(bytes); the zip stays valid."""
    members = members_of(content)
    k = rng.integers(len(members))
    members[k] = members[k][0], change(members[k][1])
    return archive(members)


def array_of(data):
    return np.lib.format.read_array(io.BytesIO(data)).copy()


def value(rng, content):
    """One number becomes odd: negative, huge, NaN."""
    def change(data):
        array = array_of(data)
        if array.size:
            odd = [math.nan, math.inf, -math.inf, 1e300, -0.0, *ODD] if array.dtype.kind == "f" else ODD
            with np.errstate(all="ignore"):
                array.flat[rng.integers(array.size)] = np.array(odd[rng.integers(len(odd))]).astype(array.dtype)
        return npy(array)
    return changed(rng, content, change)


def dtype(rng, content):
    """The same numbers as another type, objects and records among them."""
    def change(data):
        array, kind = array_of(data), DTYPES[rng.integers(len(DTYPES))]
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return npy(np.zeros(array.shape, kind) if type(kind) is list or kind == "V4" else array.astype(kind))
    return changed(rng, content, change)


def shape(rng, content):
    """Shorter, longer, of more or fewer dimensions, in another order."""
    def change(data):
        array = array_of(data)
        return npy([
            lambda: array.reshape(-1)[:-1], lambda: np.append(array, array[:1] if array.ndim else 0),
            lambda: array[None], lambda: array[..., None], lambda: np.zeros((1,) * 4), lambda: array.reshape(-1)[:0],
            lambda: np.asfortranarray(np.ones((5, 2), f32)), lambda: array.reshape(-1)[:1].sum(),
            lambda: rng.permutation(array) if array.ndim else array, lambda: np.zeros_like(array),
            lambda: np.tile(array, 50),
        ][rng.integers(11)]())
    return changed(rng, content, change)


def header(rng, content):
    """A header that promises something else than the data: more, less, nothing that can be."""
    texts = ["{", "[" * 100, "(" * 100, "{'shape': (5,)}", "{[]: 1}", "'''", "\0" * 9, "1" * 90, "x\ny", "()", "None",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (1e9,)}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (5L,), }",
             "{'descr': '<f4', 'fortran_order': True, 'shape': (5,), }",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os'),), }"]

    def change(data):
        body = data[128:]
        if rng.random() < 0.3:
            return npy_header(None, data=body, text=texts[rng.integers(len(texts))])
        sizes = tuple(int(rng.choice([-1, 0, 1, 3, 5, 2**16, 2**31, 2**40, 2**62])) for _ in range(rng.integers(5)))
        descr = DTYPES[rng.integers(len(DTYPES))]
        return npy_header(sizes, descr, body, version=[b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\0\0"][rng.integers(5)])
    return changed(rng, content, change)


def npy_bytes(rng, content):
    """Damage to the bytes of one member, below an intact zip."""
    return changed(rng, content, lambda data: BYTES[rng.integers(len(BYTES))](rng, data))


def names(rng, content):
    """Members that are missing, too many, repeated, exchanged or called something else."""
    members = members_of(content)
    a, b = rng.integers(len(members), size=2)
    odd = ["../x.npy", "/etc/x.npy", "C:\\x.npy", "x", ".npy", "", "x.npy/", "a/b.npy", "\0.npy", "é.npy", "a\nb.npy",
           "x" * 5000 + ".npy", "meta.npy", "layer9_row.npy", "layer0_row.NPY", "layer-1_row.npy", "layer00_row.npy"]
    match rng.integers(5):
        case 0:
            del members[a]
        case 1:
            members.append((odd[rng.integers(len(odd))], members[a][1]))
        case 2:
            members.append(members[a])
        case 3:
            members[a], members[b] = (members[a][0], members[b][1]), (members[b][0], members[a][1])
        case 4:
            members[a] = odd[rng.integers(len(odd))], members[a][1]
    return archive(members)


def directory(rng, content):
    """The zip's own numbers: sizes, places, flags, methods and versions, of the list or of a member's own header."""
    spoiled = bytearray(archive(members_of(content), rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])))
    sign = [b"PK\1\2", b"PK\3\4", b"PK\5\6"][rng.integers(3)]
    starts = [k for k in range(len(spoiled) - 22) if spoiled[k:k + 4] == sign] or [len(spoiled) - 22]
    start = starts[rng.integers(len(starts))]
    for _ in range(rng.integers(1, 3)):
        offset = start + int(rng.integers(4, 46 if sign == b"PK\1\2" else 22))
        word = [rng.bytes(2), b"\0\0", b"\1\0", b"\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\0"][rng.integers(6)]
        spoiled[offset:offset + len(word)] = word
    return bytes(spoiled)


def methods(rng, content):
    """Compression that NumPy does not write, and a file with a comment."""
    members = members_of(content)
    if rng.random() < 0.3:
        return archive(members)[:-2] + b"\5\0hello"
    return archive(members, int(rng.choice([zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])))


def overlap(rng, content):
    """Two entries of the list point at one member, or at the inside of another."""
    spoiled = bytearray(content)
    starts = [k for k in range(len(spoiled)) if spoiled[k:k + 4] == b"PK\1\2"]
    a, b = rng.choice(starts, 2)
    offset = int.from_bytes(spoiled[b + 42:b + 46], "little") + int(rng.choice([0, 1, 30, 60]))
    spoiled[a + 42:a + 46] = offset.to_bytes(4, "little")
    return bytes(spoiled)


def meta(rng, content):
    """JSON that is odd, deep, long or about something else, in place of a model's meta."""
    members = dict(members_of(content))
    fields = vars(network(0).meta) | {"format": 1}
    odd = [None, True, False, 0, -1, 1.5, 1e31, 10**400, math.nan, math.inf, "", "x", "silu", {}, {"a": 1}, [], [1],
           [6], ["a"], ["a", "b", "c"], [["a"]] * 3, [1, 2, 3], ["a", "b", "\ud800"], ["a\n", "b", "c"], [2.0, 3],
           [True, 6], [-2, -3], [10**30], [2] * 1000]
    texts = ["[" * 100_000, '{"a":' * 50_000, "1" * 5000, "[" + "0," * 5000 + "0]", "null", "{}", "\ufeff{}", "NaN"]
    match rng.integers(4):
        case 0 | 1:
            fields[list(fields)[rng.integers(len(fields))]] = odd[rng.integers(len(odd))]
            text = json.dumps(fields)
        case 2:
            if rng.random() < 0.5:
                del fields[list(fields)[rng.integers(len(fields))]]
            else:
                fields["other"] = odd[rng.integers(len(odd))]
            text = json.dumps(fields)
        case 3:
            text = texts[rng.integers(len(texts))]
    members["meta.npy"] = npy(np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8))
    return archive(list(members.items()))


# --- bombs --------------------------------------------------------------------------------------------------


@cache
def deflated(start, mib):
    """(deflate stream, checksum) of the bytes `start` and so many MiB of zeros, made without unpacking them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    beginning = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)  # stands for itself: it can be repeated
    checksum = zlib.crc32(start)
    for _ in range(mib):
        checksum = zlib.crc32(bytes(MIB), checksum)
    return beginning + zeros * mib + packer.flush(), checksum


def gzip_bomb(mib, sizes, magic=2051):
    """An IDX header of these sizes, and so many MiB of zeros."""
    start = np.array([magic, *sizes], ">u4").tobytes()
    stream, checksum = deflated(start, mib)
    length = len(start) + mib * MIB
    return b"\x1f\x8b\x08" + bytes(7) + stream + checksum.to_bytes(4, "little") + length.to_bytes(4, "little")


def zip_bomb(name, start, mib, listed=None, method=zipfile.ZIP_DEFLATED):
    """A zip of one member: the bytes `start`, then so many MiB of zeros; `listed` is the size the list tells."""
    stream, checksum = deflated(start, mib)
    if method == zipfile.ZIP_BZIP2:
        stream = bz2.compress(bytes(MIB)) * mib
    size = len(start) + mib * MIB if listed is None else listed
    fields = b"".join(number.to_bytes(width, "little") for number, width in [
        (20, 2), (0, 2), (method, 2), (0, 2), (33, 2), (checksum, 4), (len(stream), 4), (size, 4), (len(name), 2),
        (0, 2)])  # version, flags, method, time, date, ... and no extra field
    member = b"PK\3\4" + fields + name.encode() + stream
    entry = b"PK\1\2\x14\0" + fields + bytes(14) + name.encode()
    end = b"PK\5\6" + bytes(4) + b"\1\0\1\0" + len(entry).to_bytes(4, "little") + len(member).to_bytes(4, "little")
    return member + entry + end + bytes(2)


@cache
def large_model(connections):
    """The largest that is still read: sorting its connections is the dearest check of all."""
    rng = np.random.default_rng(0)
    side = 2**12
    order = rng.permutation(connections).astype(np.int32)
    part = SparseLayer((side, side), order // side, order % side, np.zeros(connections, f32), np.zeros(side, f32))
    names = tuple(str(k) for k in range(side))
    layers = {f"layer0_{name}.npy": npy(getattr(part, name)) for name in ("row", "col", "weight", "bias")}
    text = json.dumps({"format": 1, **vars(Meta(class_names=names))})
    return archive([("meta.npy", npy(np.frombuffer(text.encode(), np.uint8))),
                    ("layer0_shape.npy", npy(np.array(part.shape))), *layers.items()], zipfile.ZIP_STORED)


def meta_of(text):
    members = dict(members_of(GOOD["model"][0]))
    return archive(list({**members, "meta.npy": npy(np.frombuffer(text.encode(), np.uint8))}.items()))


WEIGHT = "layer0_weight.npy"
FIVE = npy_header((5,))
BOMBS = {  # name: (reader, a function that makes it)
    "gzip bomb behind a small header": ("images", lambda: gzip_bomb(500, (5, 3, 4))),
    "gzip bomb as large as its header": ("images", lambda: gzip_bomb(500, (500, 1024, 1024))),
    "gzip bomb with plausible images": ("images", lambda: gzip_bomb(500, (500 * 1024, 32, 32))),
    "gzip bomb of labels": ("labels", lambda: gzip_bomb(500, (500 * MIB,), 2049)),
    "gzip bomb of the size allowed": ("images", lambda: gzip_bomb(64, (64 * 1024, 32, 32))),
    "gzip header of 4 GiB": ("images", lambda: gzip.compress(idx(IMAGES, (2**22, 32, 32)))),
    "plain header of 4 GiB": ("images", lambda: idx(IMAGES, (2**22, 32, 32))),
    "header of 32 GiB": ("model", lambda: archive([(WEIGHT, npy_header((2**33,), data=bytes(20)))])),
    "header of 32 GiB, state": ("state", lambda: archive([(WEIGHT, npy_header((2**33,), data=bytes(20)))])),
    "header of sizes that overflow": ("state", lambda: archive([(WEIGHT, npy_header((2**33, 2**31, 2**31)))])),
    "deflate bomb behind a small header": ("model", lambda: zip_bomb(WEIGHT, FIVE, 500)),
    "deflate bomb as large as its header": ("model", lambda: zip_bomb(WEIGHT, npy_header((125 * MIB,)), 500)),
    "deflate bomb, state": ("state", lambda: zip_bomb(WEIGHT, npy_header((125 * MIB,)), 500)),
    "deflate bomb listed as small": ("model", lambda: zip_bomb(WEIGHT, FIVE, 500, len(FIVE) + 20)),
    "deflate bomb listed as the size allowed": ("state", lambda: zip_bomb(WEIGHT, FIVE, 500, 64 * MIB)),
    "deflate bomb of the size allowed": ("state", lambda: zip_bomb(WEIGHT, npy_header((15 * MIB,)), 60)),
    "deflate bomb in a meta": ("model", lambda: zip_bomb("meta.npy", npy_header((60 * MIB,), "|u1"), 60)),
    "bzip2 bomb": ("model", lambda: zip_bomb(WEIGHT, npy_header((125 * MIB,)), 500, 20, zipfile.ZIP_BZIP2)),
    "many members": ("state", lambda: archive([(f"m{k}.npy", npy(np.zeros(0))) for k in range(5000)])),
    "nested meta": ("model", lambda: meta_of("[" * MIB)),
    "meta of many lists": ("model", lambda: meta_of("[" + "[]," * (20 * MIB) + "[]]")),
    "meta of a long number": ("model", lambda: meta_of("1" * MIB)),
    "large model": ("model", lambda: large_model(5_000_000)),
}


# --- one input ----------------------------------------------------------------------------------------------


SPOILERS = {
    "images": BYTES + [idx_header, idx_inside, gzip_members],
    "labels": BYTES + [idx_header, idx_inside, gzip_members],
    "state": BYTES + [value, dtype, shape, header, npy_bytes, names, directory, methods, overlap],
    "model": BYTES + [value, value, dtype, shape, header, npy_bytes, names, directory, methods, overlap, meta, meta],
}
READERS = {
    "images": (lambda path: read_idx(path, "images"), DataError),
    "labels": (lambda path: read_idx(path, "labels"), DataError),
    "model": (SparseNetwork.load, ModelFileError),
    "state": (lambda path: read_arrays(path, StateError, 64 * MIB), StateError),
}


def make(seed, number):
    """Input `number`: (reader, what was done to it, bytes). One in a thousand is a bomb."""
    rng = np.random.default_rng((seed, number))
    if number % 1000 == 999:
        kind = list(BOMBS)[number // 1000 % len(BOMBS)]
        reader, bomb = BOMBS[kind]
        return reader, kind, bomb()
    reader = str(rng.choice(["images", "labels", "state", "state", "model", "model", "model", "model"]))
    spoiler = SPOILERS[reader][rng.integers(len(SPOILERS[reader]))]
    content = GOOD[reader][rng.integers(len(GOOD[reader]))]
    if spoiler in (flip_bits, splice) and rng.random() < 0.2:
        content = EVERY[rng.integers(len(EVERY))]  # a file of another kind
    try:
        return reader, spoiler.__name__, spoiler(rng, content)
    except (zipfile.BadZipFile, gzip.BadGzipFile, OverflowError, ValueError):  # it cannot be done to this file
        return reader, truncate.__name__, truncate(rng, content)


def judge(path, reader):
    """Read the file: ("accepted" or "refused", seconds). Raises whatever broke the promise."""
    read, own_error = READERS[reader]
    result, refusal = None, None
    started = time.process_time()  # of this process alone, however busy the machine
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            result = read(path)
        except own_error as error:
            refusal = str(error)
    seconds = time.process_time() - started
    if refusal is None:
        check_result(result, path.stat().st_size)
        return "accepted", seconds
    assert refusal.startswith(f"{path}: ") and refusal.isprintable() and len(refusal) < 500 + len(str(path)), refusal
    return "refused", seconds


def check_result(result, file_size):
    """What was accepted is of the type promised and can be used."""
    if isinstance(result, SparseNetwork):
        if file_size < MIB:
            content = result.to_bytes()  # what is read can be written
            assert content == result.to_bytes() and len(content) < 100 * MIB
            n_in, n_out = result.layers[0].n_in, result.layers[-1].n_out
            if n_in < 1000:
                assert result.scores(np.zeros((2, n_in), np.uint8)).shape == (2, n_out)
    elif isinstance(result, dict):
        assert all(type(a) is np.ndarray and a.dtype.kind in "biuf" and a.ndim <= 3 for a in result.values())
    else:
        assert result.dtype == np.uint8 and result.ndim in (1, 3) and result.size > 0


def peak_mib():
    """The most memory this process ever had, in MiB; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (MIB if sys.platform == "darwin" else 1024)


def run(inputs, seed, first=0, limits=True, progress=False):
    """Make and judge so many inputs. Returns ({(reader, kind): counts}, [broken promises])."""
    table = defaultdict(lambda: {"accepted": 0, "refused": 0, "broken": 0, "slowest": 0.0})
    broken = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stranger"
        for number in range(first, first + inputs):
            reader, kind, content = make(seed, number)
            path.write_bytes(content)
            row = table[reader, kind]
            try:
                outcome, seconds = judge(path, reader)
                row[outcome] += 1
                row["slowest"] = max(row["slowest"], seconds)
                assert not limits or seconds < MAX_SECONDS, f"{seconds:.2f} s"
            except Exception as error:
                row["broken"] += 1
                broken.append(f"input {number} ({reader}, {kind}): {error!r}"[:500])
            if progress and (number + 1 - first) % 10_000 == 0:
                print(f"{number + 1 - first:,} ...", file=sys.stderr, flush=True)
    if limits and (peak_mib() or 0) > MAX_MIB:
        broken.append(f"peak memory {peak_mib():.0f} MiB")
    return dict(table), broken


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    args = parser.parse_args()
    table, broken = run(args.inputs, args.seed, args.first, progress=True)
    print(f"{'reader':<8}{'what was done to it':<42}{'accepted':>9}{'refused':>9}{'broken':>8}{'slowest':>11}")
    for (reader, kind), row in sorted(table.items()):
        counts = "".join(f"{row[name]:>{width},}" for name, width in (("accepted", 9), ("refused", 9), ("broken", 8)))
        print(f"{reader:<8}{kind:<42}{counts}{1000 * row['slowest']:>8.1f} ms")
    accepted, refused = (sum(row[name] for row in table.values()) for name in ("accepted", "refused"))
    slowest = max(row["slowest"] for row in table.values())
    memory = f"{peak_mib():.0f} MiB" if peak_mib() else "unknown"
    print(f"\n{args.inputs:,} inputs, seed {args.seed}: {accepted:,} accepted, {refused:,} refused, "
          f"{len(broken)} broken promises; slowest {slowest:.2f} s, peak memory {memory}")
    print("\n".join(broken[:20]))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
