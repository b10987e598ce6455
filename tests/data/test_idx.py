"""Reading an IDX file: each way in which a file can be wrong has its test and its message."""

import gzip
import re
import zlib

import numpy as np
import pytest
from helpers.idx import IMAGES, LABELS, idx_bytes, write
from helpers.memory import peak_bytes

from tinygsp.data import DataError, files, idx, read_idx


def fails(path, what, kind="images"):
    """Reading path must raise a DataError of one line that names the file and says what is wrong."""
    with pytest.raises(DataError, match=re.escape(path.name) + ": .*" + what) as caught:
        read_idx(path, kind)
    assert "\n" not in str(caught.value)


# --- right files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", ["file", "file.gz"])  # the name says nothing about the content
@pytest.mark.parametrize("kind, array", [("images", IMAGES), ("labels", LABELS)])
def test_round_trip(tmp_path, pack, name, kind, array):
    result = read_idx(write(tmp_path / name, pack(idx_bytes(array))), kind)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, array)


def test_round_trip_of_many_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "CHUNK", 7)  # 30 bytes: four chunks and a rest
    np.testing.assert_array_equal(read_idx(write(tmp_path / "file", idx_bytes(IMAGES))), IMAGES)


# --- wrong files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "content, what",
    [
        (b"", "empty"),
        (b"\0\0", "magic number 0, not an IDX file"),
        (b"<!DOCTYPE html><html>", "magic number 1008813135, not an IDX file.* 2051"),
        (idx_bytes(LABELS), "magic number 2049, an IDX file of labels; images start with 2051"),
        (idx_bytes(IMAGES)[:4], "truncated, 4 bytes; the header alone has 16"),
        (idx_bytes(IMAGES)[:15], "truncated, 15 bytes; the header alone has 16"),
        (idx_bytes(IMAGES)[:16], r"truncated, 0 bytes after the header; size \(5, 2, 3\) is 30"),
        (idx_bytes(IMAGES)[:-1], "truncated, 29 bytes after the header"),
        (idx_bytes(IMAGES) + b"\0", "too long, bytes go on after the 30"),
        (idx_bytes(IMAGES[:0]), r"size \(0, 2, 3\).*at least 1"),
        (idx_bytes(IMAGES[:, :0]), r"size \(5, 0, 3\).*at least 1"),
        (idx_bytes(IMAGES[:, :, :0]), r"size \(5, 2, 0\).*at least 1"),
        (idx_bytes(IMAGES, (2**31, 2, 3)), "too large"),
        (idx_bytes(IMAGES, (2**14, 2**8, 2**8 + 1)), "too large"),
        (idx_bytes(IMAGES, (1, 2**16 + 1, 1)), "too large; at most 65536 pixels"),
        (idx_bytes(IMAGES, (2**32 - 1, 2**32 - 1, 2**32 - 1)), "too large"),
    ],
)
def test_malformed_images(tmp_path, pack, content, what):
    fails(write(tmp_path / "broken-images", pack(content)), what)


@pytest.mark.parametrize(
    "content, what",
    [
        (b"", "empty"),
        (idx_bytes(IMAGES), "magic number 2051, an IDX file of images; labels start with 2049"),
        (idx_bytes(LABELS)[:7], "truncated, 7 bytes; the header alone has 8"),
        (idx_bytes(LABELS)[:-1], r"truncated, 4 bytes after the header; size \(5,\) is 5"),
        (idx_bytes(LABELS) + b"\0", "too long, bytes go on after the 5"),
        (idx_bytes(LABELS[:0]), r"size \(0,\).*at least 1"),
        (idx_bytes(LABELS, (2**30 + 1,)), "too large"),
    ],
)
def test_malformed_labels(tmp_path, content, what):
    fails(write(tmp_path / "broken-labels", content), what, "labels")


def test_sizes_at_the_limits_are_read(tmp_path, monkeypatch):
    image = np.zeros((1, 2**16, 1), np.uint8)
    assert read_idx(write(tmp_path / "pixels", idx_bytes(image))).shape == image.shape
    monkeypatch.setattr(idx, "MAX_BYTES", IMAGES.size)
    assert read_idx(write(tmp_path / "bytes", idx_bytes(IMAGES))).shape == IMAGES.shape
    monkeypatch.setattr(idx, "MAX_BYTES", IMAGES.size - 1)
    fails(tmp_path / "bytes", "too large")


def flip(content, position):
    """The same bytes with every bit of one byte turned over."""
    content = bytearray(content)
    content[position] ^= 0xFF
    return bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[:2],  # nothing but the two bytes that promise gzip
        lambda packed: packed[:20],  # the stream stops
        lambda packed: packed[:-1],  # the checksum stops
        lambda packed: flip(packed, 2),  # an unknown method of compression
        lambda packed: flip(packed, -8),  # a wrong checksum
        lambda packed: flip(packed, -1),  # a wrong length
        lambda packed: packed + b"garbage",
    ],
    ids=["two bytes", "stream", "checksum stops", "method", "crc", "length", "garbage"],
)
def test_damaged_gzip(tmp_path, damage):
    fails(write(tmp_path / "images.gz", damage(gzip.compress(idx_bytes(IMAGES)))), "damaged gzip")


def test_damaged_deflate_stream(tmp_path):
    packed = flip(gzip.compress(idx_bytes(IMAGES)), 10)  # first byte of the stream: an invalid block type
    with pytest.raises(zlib.error):
        gzip.decompress(packed)
    fails(write(tmp_path / "images.gz", packed), "damaged gzip")


def test_missing_file_and_directory(tmp_path):
    fails(tmp_path / "nowhere", "cannot be read")
    (tmp_path / "directory").mkdir()
    fails(tmp_path / "directory", "cannot be read")


def test_no_permission(tmp_path, monkeypatch):
    def refuse(*_):  # an administrator may open anything, so the refusal is played
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(idx, "open", refuse, raising=False)
    fails(tmp_path / "secret", r"cannot be read \(Permission denied\)")


# --- memory ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_header_that_lies_about_size_takes_no_memory(tmp_path, pack):
    content = idx_bytes(IMAGES, (60_000, 10, 100))[:20]  # 60 MB claimed, 4 bytes there
    path = write(tmp_path / "liar", pack(content))
    assert peak_bytes(lambda: fails(path, "truncated, 4 bytes after the header")) < 4 * files.CHUNK


def test_gzip_bomb_is_not_inflated(tmp_path):
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(idx_bytes(IMAGES))
        for _ in range(32):
            file.write(bytes(2**20))
    assert peak_bytes(lambda: fails(path, "too long")) < 4 * files.CHUNK


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_small_file_may_not_become_a_large_one(tmp_path, monkeypatch, pack):
    images = np.zeros((100, 100, 100), np.uint8)
    path = write(tmp_path / "bomb", pack(idx_bytes(images)))  # gzip makes it 1,000 times smaller
    assert read_idx(path).shape == images.shape
    monkeypatch.setattr(idx, "SMALL", images.size - 1)
    if pack is bytes:
        assert read_idx(path).shape == images.shape
    else:
        assert peak_bytes(lambda: fails(path, "may inflate 100 times")) < 4 * files.CHUNK
