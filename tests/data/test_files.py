"""A .npz file of plain numbers is read as it is, and everything else refused."""

import io
import os
import re
import time
import zipfile

import numpy as np
import pytest
from helpers.hostile.files import GOOD, archive, f32, npy, npy_header, state
from helpers.hostile.outcome import outcome, put, refusal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygsp.data import files
from tinygsp.data.files import read_arrays

more = settings(
    deadline=None, max_examples=200, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def saved(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize("content", GOOD["state"], ids=["stored", "compressed"])
def test_arrays_come_back(tmp_path, content):
    found = read_arrays(put(tmp_path, content), ValueError)
    assert found.keys() == state().keys()
    for name, array in state().items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        assert np.array_equal(found[name], array) and found[name].flags.writeable and found[name].flags.c_contiguous


@pytest.mark.parametrize(
    "array, what",
    [
        (np.zeros((1, 1, 1, 1)), "at most 3-D"),
        (np.asfortranarray(np.ones((3, 2))), "C order"),
        (np.array(["a"]), "bool, int or float"),
        (np.array([None]), "bool, int or float"),
        (np.zeros(3, ">f8"), "float"),
        (np.zeros(2, complex), "float"),
        (np.zeros(2, [("a", "<f4")]), "float"),
        (np.zeros(2, "M8[s]"), "float"),
    ],
)
def test_arrays_that_are_not_plain_numbers(tmp_path, array, what):
    message = refusal(tmp_path, "state", archive([("good.npy", npy([1])), ("odd.npy", npy(array))]))
    assert "member 'odd.npy': its header is not" in message and what in message


@pytest.mark.parametrize("start", [b"\x93NUMPY\2\0", b"\x93NUMPY\1\1", b"\x93NUMPZ\1\0", bytes(8)])
def test_the_magic_number_is_checked(tmp_path, start):
    """Though the header after it would be good."""
    content = start + npy([1])[8:]
    assert "its header is not .npy version (1, 0)" in refusal(tmp_path, "state", archive([("a.npy", content)]))


def test_a_long_header_is_read_whole(tmp_path):
    """Spaces may fill it up to 65,535 bytes; the numbers begin after all of them."""
    text = npy_header((2,), "<f4")[10:-1] + b" " * 2000 + b"\n"
    content = b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + np.array([1, 2], f32).tobytes()
    found = read_arrays(put(tmp_path, archive([("a.npy", content)])), ValueError)
    assert found["a"].tolist() == [1, 2]


def test_a_bool_is_0_or_1(tmp_path):
    odd = npy_header((3,), "|b1", b"\0\1\2")
    assert "neither 0 nor 1" in refusal(tmp_path, "state", archive([("a.npy", odd)]))


def test_the_sum_of_all_members_is_bounded(tmp_path):
    path = put(tmp_path, saved(a=np.zeros(1000), b=np.zeros(1000)))
    size = 2 * (128 + 8000)
    assert read_arrays(path, ValueError, size).keys() == {"a", "b"}
    with pytest.raises(ValueError, match=f"{size} bytes in all members, at most {size - 1} are read"):
        read_arrays(path, ValueError, size - 1)


@pytest.mark.parametrize(
    "name",
    [
        "../a.npy",
        "/a.npy",
        "b/a.npy",
        "a",
        ".npy",
        "a.npy/",
        "a\\b.npy",
        "é.npy",
        "a b.npy",
        "x" * 51 + ".npy",
        "a\n.npy",
    ],
)
def test_names_are_plain(tmp_path, name):
    assert "unexpected member" in refusal(tmp_path, "state", archive([(name, npy([1]))]))


def test_names_are_unique(tmp_path):
    content = archive([("a.npy", npy([1])), ("a.npy", npy([2]))])
    assert "repeated member 'a.npy'" in refusal(tmp_path, "state", content)


def test_members_lie_apart(tmp_path):
    """Two entries for one place: a few kilobytes could be counted, and inflated, a thousand times."""
    content = bytearray(archive([("a.npy", npy([1])), ("b.npy", npy([2]))]))
    second = content.rindex(b"PK\1\2")
    content[second + 42 : second + 46] = bytes(4)
    assert "'a.npy' and 'b.npy' overlap" in refusal(tmp_path, "state", bytes(content))


@pytest.mark.parametrize("gap, overlaps", [(29, True), (30, False)])
def test_members_leave_room_for_a_header(tmp_path, gap, overlaps):
    """The header of a member has at least 30 bytes; one that begins before them lies inside the member before."""
    content = bytearray(archive([("a.npy", npy([1])), ("b.npy", npy([2]))], zipfile.ZIP_STORED))
    first, second = (m.start() for m in re.finditer(b"PK\1\2", content))
    start = int.from_bytes(content[first + 20 : first + 24], "little") + gap  # the size of the first, which is at 0
    content[second + 42 : second + 46] = start.to_bytes(4, "little")
    assert ("'a.npy' and 'b.npy' overlap" in refusal(tmp_path, "state", bytes(content))) == overlaps


def test_a_large_list_of_members_is_not_read(tmp_path):
    """`zipfile` would read all of it, and make an object of every entry."""
    entry = b"PK\1\2" + bytes(42)
    listing = entry * 1500
    end = b"PK\5\6" + bytes(8) + len(listing).to_bytes(4, "little") + bytes(6)
    assert f"{len(listing)} bytes long, at most {files.MAX_DIRECTORY}" in refusal(tmp_path, "state", listing + end)


def test_zip64_and_comments_are_not_read(tmp_path):
    good = archive([("a.npy", npy([1]))])
    locator = b"PK\6\7" + bytes(16)
    for odd in (
        good[:-2] + b"\5\0hello",
        good[:-2] + b"\5\0",
        good[:-22] + locator + good[-22:],
        good + b"x",
        good[:-1],
        b"PK\5\6",
    ):
        assert "where a plain zip file has it" in refusal(tmp_path, "state", odd)
    assert outcome(tmp_path, "state", b"PK\5\6" + bytes(18)) == "accepted"  # a zip file of nothing


# --- writing ------------------------------------------------------------------------------------------------


def test_a_file_is_on_the_disk_before_it_takes_its_name(tmp_path, monkeypatch):
    """The order of the calls: write, flush the file, take the name, flush the folder."""
    calls, path = [], tmp_path / "file.bin"
    path.write_bytes(b"old")
    fsync, replace = os.fsync, os.replace

    def record_fsync(handle):
        where = os.readlink(f"/proc/self/fd/{handle}") if os.path.exists("/proc/self/fd") else None
        inside = [entry.read_bytes() for entry in tmp_path.glob(".file.bin.*")]  # what another process would see
        calls.append(("fsync", None if where is None else os.path.basename(where), inside, path.read_bytes()))
        fsync(handle)

    def record_replace(old, new):
        calls.append(("replace", os.path.basename(old), os.path.basename(new)))
        replace(old, new)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    files.write_atomic(path, b"new")
    temporary = f".file.bin.{os.getpid()}.tmp"
    named = os.path.exists("/proc/self/fd")
    expected = [
        ("fsync", temporary if named else None, [b"new"], b"old"),
        ("replace", temporary, "file.bin"),
        ("fsync", tmp_path.name if named else None, [], b"new"),
    ]
    assert calls == (expected if os.name == "posix" else expected[:2])
    assert path.read_bytes() == b"new" and os.listdir(tmp_path) == ["file.bin"]


def test_a_name_that_is_no_text_is_written_with_escapes(tmp_path):
    """The name of a file may hold bytes that are not UTF-8, and get into a table of results."""
    files.write_atomic(tmp_path / "table.csv", "w\udcff.csv, 字")
    assert (tmp_path / "table.csv").read_text("utf-8") == r"w\udcff.csv, 字"


def test_lines_about_a_file_are_short(tmp_path):
    """Whatever it is called inside, and whatever zipfile quotes of it."""
    long = "x" * 50 + ".npy"
    for content in (
        archive([(long, npy([1])), (long, npy([2]))]),
        archive([(long, b"\x93NUMPY\1\0\xff\xff{")]),
        archive([("\x07" * 3000 + ".npy", npy([1]))]),
        archive([("é" * 3000, npy([1]))]),
        archive([(long, npy([1]))], zipfile.ZIP_BZIP2),
        archive([(long, npy([1]))]).replace(b"PK\3\4", b"PK\3\5"),
    ):
        line = refusal(tmp_path, "state", content).partition(": ")[2]
        assert len(line) <= 300 and line.isprintable()


# --- arrays of chance -----------------------------------------------------------------------------------------


@more
@given(
    hnp.arrays(
        st.one_of(hnp.scalar_dtypes(), hnp.unicode_string_dtypes(), hnp.array_dtypes()),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
def test_any_array(tmp_path, array):
    """It comes back equal, or it was none of plain numbers."""
    content = archive([("a.npy", npy(array))])
    plain = array.dtype.kind in "biuf" and array.dtype.itemsize <= 8 and array.dtype.byteorder in "<=|"
    c_order = array.flags.c_contiguous  # NumPy writes Fortran order only for what is not C order too
    if plain and c_order and array.ndim <= 3:
        found = read_arrays(put(tmp_path, content), ValueError)["a"]
        assert found.dtype == array.dtype and found.shape == array.shape and found.tobytes() == array.tobytes()
    else:
        assert outcome(tmp_path, "state", content) == "refused"


def test_what_a_killed_process_left_is_removed(tmp_path):
    """Once it is so old that nobody can be writing it; what only looks like it stays."""
    old = time.time() - 2 * files.ABANDONED
    stay = [".a[1].json.77.tmp", ".a[1].json.x7.tmp", ".b.json.77.tmp", ".a1.json.77.tmp"]
    for name in (*stay, ".a[1].json.78.tmp"):
        (tmp_path / name).write_bytes(b"half")
    for name in (*stay[1:], ".a[1].json.78.tmp"):
        os.utime(tmp_path / name, (old, old))
    files.write_atomic(tmp_path / "a[1].json", "whole")
    assert {p.name for p in tmp_path.iterdir()} == {*stay, "a[1].json"}
