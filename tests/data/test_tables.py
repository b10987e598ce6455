"""Reading a table: text files of several kinds, and what is refused, with the line or column."""

import bz2
import gzip
import lzma

import numpy as np
import pytest
from helpers.memory import peak_bytes
from helpers.own_data import prices, write_table

from tinygsp.data import DataError, tables
from tinygsp.data.tables import read_table


def read(tmp_path, text, name="a.csv", **options):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, **options)


def refused(tmp_path, text, what, **options):
    with pytest.raises(DataError, match=what) as caught:
        read(tmp_path, text, **options)
    assert str(caught.value).isprintable() and "a.csv: " in str(caught.value)


def columns_of(table):
    """{name: numbers, or texts by row} with None for an empty cell."""
    return {
        name: [None if np.isnan(v) else v if c.texts is None else c.texts[int(v)] for v in c.values]
        for name, c in table.columns.items()
    }


# --- what is read -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(tmp_path, delimiter):
    text = "\n".join(delimiter.join(row) for row in (["a", "b c", "d"], ["1", "x", "2.5"], ["-3e2", "y", "4"]))
    assert columns_of(read(tmp_path, text)) == {"a": [1, -300], "b c": ["x", "y"], "d": [2.5, 4]}


def test_quotes_blank_lines_and_line_ends(tmp_path):
    text = 'a,"b, with a comma","say ""c"""\r\n1,2,"x, y"\r\n\r\n3, 4 ,z\r\n'
    found = columns_of(read(tmp_path, text))
    assert found == {"a": [1, 3], "b, with a comma": [2, 4], 'say "c"': ["x, y", "z"]}


def test_byte_order_mark_and_encodings(tmp_path):
    assert list(read(tmp_path, "\ufeffgröße,b\n1,2\n".encode()).columns) == ["größe", "b"]
    assert list(read(tmp_path, "größe,b\n1,2\n".encode("latin-1"), encoding="latin-1").columns) == ["größe", "b"]
    assert list(read(tmp_path, "größe,b\n1,2\n".encode("utf-16"), encoding="utf-16").columns) == ["größe", "b"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path, encoding):
    assert list(read(tmp_path, "größe,b\n1,2\n".encode(encoding)).columns) == ["größe", "b"]
    refused(tmp_path, "größe,b\n1,2\n".encode(encoding + "-le"), f"as in --encoding {encoding}-le", encoding=encoding)
    refused(tmp_path, "a,b\n1,2\n".encode(encoding)[:-1], f"is not {encoding.upper()} .truncated data.; is it cut off")


def test_columns_without_a_name(tmp_path):
    """One that counts the rows or is empty is left out; others are called by their number."""
    for first in (0, 1):
        table = read(tmp_path, f",a\n{first},5\n{first + 1},6\n")
        assert columns_of(table) == {"a": [5, 6]}
        assert table.notes == ("column 1 has no name and counts the rows: left out",)
    table = read(tmp_path, "a,,b,\n1,2,3,\n4,5,6,\n")
    assert columns_of(table) == {"a": [1, 4], "column 2": [2, 5], "b": [3, 6]}
    assert table.notes == ("column 2 has no name and is called so", "column 4 has no name and is empty: left out")
    assert list(read(tmp_path, "a,,b\n1,x,3\n", drop=["column 2"]).columns) == ["a", "b"]
    counted = ",a\n0,5\n1,6\n"
    assert read(tmp_path, counted, categories=["column 1"]).columns["column 1"].texts == ("0", "1")
    assert list(read(tmp_path, counted, only={"column 1"}).columns) == ["column 1"]


def test_empty_cells(tmp_path):
    text = "a,b\n1,x\n,NA\nnan,\n?,null\n N/A ,None\n2,y\n"
    assert columns_of(read(tmp_path, text)) == {"a": [1, *[None] * 4, 2], "b": ["x", *[None] * 4, "y"]}


def test_decimal_commas_between_semicolons(tmp_path):
    assert columns_of(read(tmp_path, "a;b\n1,5;2\n-0,25;3\n")) == {"a": [1.5, -0.25], "b": [2, 3]}


def test_texts_are_sorted_and_numbers_among_them_by_size(tmp_path):
    table = read(tmp_path, "a,b\n10,x\n9,x\nold,x\n", categories=["a"])
    assert table.columns["a"].texts == ("9", "10", "old") and columns_of(table)["a"] == ["10", "9", "old"]


def test_columns_that_are_dropped_are_not_looked_at(tmp_path):
    table = read(tmp_path, "a,b\n1,x\n2,3\n", drop=["b"])
    assert list(table.columns) == ["a"] and table.rows == 2


def test_many_blocks(tmp_path, monkeypatch):
    whole = write_table(tmp_path / "a.csv", prices(50))
    expected = columns_of(read_table(whole))
    monkeypatch.setattr(tables, "BLOCK", 7)
    assert columns_of(read_table(whole)) == expected


def test_a_text_after_blocks_of_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "BLOCK", 2)
    refused(tmp_path, "a,b\n1,2\n3,4\n5,x\n", "line 4: 'x' is a text, but column 'b' has numbers")


def test_a_large_file_takes_eight_bytes_a_cell(tmp_path):
    path, n = tmp_path / "a.csv", 60_000
    with open(path, "w") as file:
        file.write("a,b,c\n")
        file.writelines(f"{i}.123456789012345,{i % 7}.987654321098765,text of some length {i % 3}\n" for i in range(n))
    assert path.stat().st_size > 3_500_000
    assert peak_bytes(lambda: read_table(path)) < 3 * 8 * n * 2.5 + 4_000_000  # and a copy while they grow


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, what",
    [
        ("", "is empty; expected a line with the names"),
        ("\n \n", "is empty"),
        ("a,b\n", "has no rows below its header"),
        ("a\n1\n2\n", "has one column; cells must be separated"),
        ("a,b\n1,2\n3\n", "line 3 has 1 cells, but the header has 2"),
        ("a,b\n1,2\n3,4,5\n", "line 3 has 3 cells, but the header has 2"),
        ("a,b,a\n1,2,3\n", "two columns are called 'a'"),
        (",column 1\n1,2\n", "two columns are called 'column 1'"),
        (f"a,{'b' * 101}\n1,2\n", "the name of column 2, 'b.*', has 101 letters; at most 100"),
        ("a,b\x01c\n1,2\n", "the name of column 2, .*, is not printable"),
        ("a,b\n1,2\n3,x\n", "line 3: 'x' is a text, but column 'b' has numbers; .*--categories"),
        ("a,b\n1,x\n3,4\n", "line 3: '4' is a number, but column 'b' has texts, first 'x'"),
        ("a,b\n1,2\n3,inf\n", "line 3: column 'b' has inf; expected finite numbers"),
        ("a,b\n1,2\n3,1e999\n", "line 3: column 'b' has 1e999; expected finite numbers"),
        ("a,b\n1,2\n3,-1e30\n", r"line 3: column 'b' has -1e30; expected finite numbers below 1e\+29"),
        ("größe,b\n1,2\n".encode("latin-1"), "is not UTF-8 .byte 0xf6.; name its encoding, as in --encoding latin-1"),
        ("a,b\n1,2\n".encode("utf-16-le"), "has bytes of 0|is not UTF-8"),
        (b"a,b\n1,\xff\n", "is not UTF-8"),
        ('a,b\n1,"2\n', "line 2: ends within a quotation; close its quotation marks"),
        ('a,b\n1,"2"3\n', "line 2: "),
    ],
)
def test_what_is_refused(tmp_path, text, what):
    refused(tmp_path, text, what)


@pytest.mark.parametrize(
    "start, what",
    [
        (gzip.compress(b"a,b\n1,2\n"), "a.csv: is compressed by gzip; unpack it first"),
        (bz2.compress(b"a,b\n1,2\n"), "is compressed by bzip2"),
        (lzma.compress(b"a,b\n1,2\n"), "is compressed by xz"),
        (b"PK\3\4....", "is a zip file or a spreadsheet"),
        (b"\x89PNG\r\n\x1a\n", "is a picture"),
        (b"a,b\n\0,\xff\n", "has bytes of 0, so it is no text"),
    ],
    ids=range(6),  # the bytes have the time in them
)
def test_what_is_no_text(tmp_path, start, what):
    refused(tmp_path, start, what)


def test_options_that_do_not_fit(tmp_path):
    refused(tmp_path, "a,b\n1,2\n", "--drop c: no such column; its columns are 'a', 'b'", drop=["c"])
    refused(tmp_path, "a,b\n1,2\n", "--categories c: no such column", categories=["c"])
    with pytest.raises(DataError, match="--encoding klingon: unknown encoding"):
        read(tmp_path, "a,b\n1,2\n", encoding="klingon")
    with pytest.raises(DataError, match="nowhere.csv: cannot be read"):
        read_table(tmp_path / "nowhere.csv")


def test_limits(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MAX_TEXTS", 3)
    assert read(tmp_path, "a,b\n1,x\n2,y\n3,z\n4,x\n").rows == 4
    refused(
        tmp_path, "a,b\n1,x\n2,y\n3,z\n4,w\n", "column 'b' has more than 3 different texts; leave it out with --drop"
    )
    monkeypatch.setattr(tables, "MAX_CELLS", 7)
    refused(tmp_path, "a,b\n1,x\n2,y\n3,z\n4,x\n", "has more than 7 cells; read a part of it")
    monkeypatch.setattr(tables, "MAX_COLUMNS", 1)
    refused(tmp_path, "a,b\n1,x\n", "has 2 columns; at most 1 are read")


# --- parquet ------------------------------------------------------------------------------------------------------


def test_parquet_is_the_same_table(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    made = pyarrow.table({"a": [1.5, None, 3.0], "b": ["x", None, "y"], "c": [True, False, True], "d": [1, 2, 3]})
    parquet.write_table(made, path)
    found = columns_of(read_table(path, categories=["d"]))
    assert found == {"a": [1.5, None, 3], "b": ["x", None, "y"], "c": ["True", "False", "True"], "d": ["1", "2", "3"]}
    assert list(read_table(path, drop=["a", "b"]).columns) == ["c", "d"]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="a.parquet: .*expected a .parquet file"):
        read_table(path)


def test_parquet_without_its_package(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"")
    with pytest.raises(DataError, match="takes the package pyarrow: pip install pyarrow"):
        read_table(tmp_path / "a.parquet")
