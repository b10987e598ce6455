"""Ways to spoil a good file at random, its bytes or its meaning: functions of (rng, content) -> content."""

import gzip
import json
import math
import warnings
import zipfile

import numpy as np

from helpers.hostile.files import EVERY, IMAGES, LABELS, archive, array_of, f32, members_of, network, npy, npy_header
from helpers.idx import idx_bytes

# --- bytes ----------------------------------------------------------------------------------------------------


def place(rng, content):
    return int(rng.integers(len(content) + 1))


def truncate(rng, content):
    return content[: place(rng, content)]


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
    return content[:start] + bytes([rng.choice([0, 1, 127, 128, 255])]) * size + content[start + size :]


def remove(rng, content):
    start = place(rng, content)
    return content[:start] + content[start + int(rng.integers(1, 50)) :]


def repeat(rng, content):
    a, b = sorted((place(rng, content), place(rng, content)))
    return content[:b] + content[a:]


def splice(rng, content):
    """The beginning of this file and the end of another."""
    other = EVERY[rng.integers(len(EVERY))]
    return content[: place(rng, content)] + other[place(rng, other) :]


def noise(rng, content):
    return content[: int(rng.integers(20))] + rng.bytes(int(rng.integers(300)))


BYTES = [truncate, extend, prefix, flip_bits, overwrite, remove, repeat, splice, noise]
SIZES = [0, 1, 2, 4, 5, 6, 255, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1]


# --- IDX files ------------------------------------------------------------------------------------------------


def idx_header(rng, content):
    """Sizes and perhaps a magic number that are not those of the data; half of them gzipped."""
    array = IMAGES if rng.random() < 0.5 else LABELS
    sizes = [int(rng.choice(SIZES)) if rng.random() < 0.6 else size for size in array.shape]
    spoiled = idx_bytes(array, sizes, int(rng.choice([0, 1, 2049, 2050, 2051])) or None)  # 0: the true one
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


# --- .npz files -----------------------------------------------------------------------------------------------


ODD = [-1, 0, 1, 2, 3, 7, 2**15, 2**24, 2**31 - 1, -(2**31), 2**53, 2**62, -(2**63)]
DTYPES = [
    "?",
    "i1",
    "u1",
    "<i2",
    "<i4",
    "<u4",
    "<i8",
    "<u8",
    "<f2",
    "<f4",
    "<f8",
    ">f4",
    ">i8",
    "<c8",
    "O",
    "U3",
    "S4",
    "<M8[s]",
    "<m8[s]",
    "V4",
    [("a", "<f4")],
]


def changed(rng, content, change):
    """The file with one member, chosen at random, replaced by change(bytes); the zip stays valid."""
    members = members_of(content)
    k = rng.integers(len(members))
    members[k] = members[k][0], change(members[k][1])
    return archive(members)


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
        return npy(
            [
                lambda: array.reshape(-1)[:-1],
                lambda: np.append(array, array[:1] if array.ndim else 0),
                lambda: array[None],
                lambda: array[..., None],
                lambda: np.zeros((1,) * 4),
                lambda: array.reshape(-1)[:0],
                lambda: np.asfortranarray(np.ones((5, 2), f32)),
                lambda: array.reshape(-1)[:1].sum(),
                lambda: rng.permutation(array) if array.ndim else array,
                lambda: np.zeros_like(array),
                lambda: np.tile(array, 50),
            ][rng.integers(11)]()
        )

    return changed(rng, content, change)


def header(rng, content):
    """A header that promises something else than the data: more, less, nothing that can be."""
    texts = [
        "{",
        "[" * 100,
        "(" * 100,
        "{'shape': (5,)}",
        "{[]: 1}",
        "'''",
        "\0" * 9,
        "1" * 90,
        "x\ny",
        "()",
        "None",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1e9,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (5L,), }",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (5,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os'),), }",
    ]

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
    odd = [
        "../x.npy",
        "/etc/x.npy",
        "C:\\x.npy",
        "x",
        ".npy",
        "",
        "x.npy/",
        "a/b.npy",
        "\0.npy",
        "é.npy",
        "a\nb.npy",
        "x" * 5000 + ".npy",
        "meta.npy",
        "layer9_row.npy",
        "layer0_row.NPY",
        "layer-1_row.npy",
        "layer00_row.npy",
    ]
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
    starts = [k for k in range(len(spoiled) - 22) if spoiled[k : k + 4] == sign] or [len(spoiled) - 22]
    start = starts[rng.integers(len(starts))]
    for _ in range(rng.integers(1, 3)):
        offset = start + int(rng.integers(4, 46 if sign == b"PK\1\2" else 22))
        word = [rng.bytes(2), b"\0\0", b"\1\0", b"\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\0"][rng.integers(6)]
        spoiled[offset : offset + len(word)] = word
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
    starts = [k for k in range(len(spoiled)) if spoiled[k : k + 4] == b"PK\1\2"]
    a, b = rng.choice(starts, 2)
    offset = int.from_bytes(spoiled[b + 42 : b + 46], "little") + int(rng.choice([0, 1, 30, 60]))
    spoiled[a + 42 : a + 46] = offset.to_bytes(4, "little")
    return bytes(spoiled)


def meta(rng, content):
    """JSON that is odd, deep, long or about something else, in place of a model's meta."""
    members = dict(members_of(content))
    fields = vars(network(0).meta) | {"format": 1}
    odd = [
        None,
        True,
        False,
        0,
        -1,
        1.5,
        1e31,
        10**400,
        math.nan,
        math.inf,
        "",
        "x",
        "silu",
        {},
        {"a": 1},
        [],
        [1],
        [6],
        ["a"],
        ["a", "b", "c"],
        [["a"]] * 3,
        [1, 2, 3],
        ["a", "b", "\ud800"],
        ["a\n", "b", "c"],
        [2.0, 3],
        [True, 6],
        [-2, -3],
        [10**30],
        [2] * 1000,
    ]
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


# --- all of them ----------------------------------------------------------------------------------------------


SPOILERS = {
    "images": [*BYTES, idx_header, idx_inside, gzip_members],
    "labels": [*BYTES, idx_header, idx_inside, gzip_members],
    "state": [*BYTES, value, dtype, shape, header, npy_bytes, names, directory, methods, overlap],
    "model": [*BYTES, value, value, dtype, shape, header, npy_bytes, names, directory, methods, overlap, meta, meta],
}
