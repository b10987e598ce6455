"""Small files that promise, or inflate to, hundreds of megabytes and more."""

import bz2
import gzip
import json
import zipfile
import zlib
from functools import cache

import numpy as np

from helpers.hostile.files import GOOD, IMAGES, archive, f32, members_of, npy, npy_header
from helpers.idx import idx_bytes
from tinygsp.sparse import Meta, SparseLayer

MIB = 2**20


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
    fields = b"".join(
        number.to_bytes(width, "little")
        for number, width in [
            (20, 2),
            (0, 2),
            (method, 2),
            (0, 2),
            (33, 2),
            (checksum, 4),
            (len(stream), 4),
            (size, 4),
            (len(name), 2),
            (0, 2),
        ]
    )  # version, flags, method, time, date, ... and no extra field
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
    text = json.dumps({"format": 3, **vars(Meta(class_names=names))})
    return archive(
        [
            ("meta.npy", npy(np.frombuffer(text.encode(), np.uint8))),
            ("layer0_shape.npy", npy(np.array(part.shape))),
            *layers.items(),
        ],
        zipfile.ZIP_STORED,
    )


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
    "gzip header of 4 GiB": ("images", lambda: gzip.compress(idx_bytes(IMAGES, (2**22, 32, 32)))),
    "plain header of 4 GiB": ("images", lambda: idx_bytes(IMAGES, (2**22, 32, 32))),
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
