"""Files of a run folder: written all or none, and temporary ones are recognised when they are left behind."""

import errno
import os

import pytest
from helpers.cli import one_error
from helpers.runs import interrupted, resumed, run, same

from tinygsp import runs
from tinygsp.runs import files


def test_files_are_written_together(tmp_path):
    runs.write_together(tmp_path, {"interpretation.json": "{}", "figures/kept.png": b"png", "explorer.html": "page"})
    assert (tmp_path / "figures" / "kept.png").read_bytes() == b"png"
    assert {p.name for p in tmp_path.iterdir()} == {"interpretation.json", "figures", "explorer.html"}
    assert [p.name for p in (tmp_path / "figures").iterdir()] == ["kept.png"]


@pytest.mark.parametrize("calls", [0, 1])
def test_a_full_disk_leaves_the_files_of_before(calls, tmp_path, monkeypatch):
    runs.write_together(tmp_path, {"interpretation.json": "old", "figures/kept.png": b"old"})
    left, fsync = iter(range(calls)), os.fsync

    def full(handle):
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        runs.write_together(
            tmp_path, {"interpretation.json": "new", "figures/kept.png": b"new", "explorer.html": "new"}
        )
    assert {p.name for p in tmp_path.iterdir()} == {"interpretation.json", "figures"}
    assert (tmp_path / "interpretation.json").read_text() == "old"
    assert (tmp_path / "figures" / "kept.png").read_bytes() == b"old"


def test_nothing_is_written_while_another_process_works_in_the_folder(tmp_path):
    lock = runs.Lock(tmp_path / "run.lock")
    with pytest.raises(runs.RunError, match="is working in it"):
        runs.write_together(tmp_path, {"interpretation.json": "{}"})
    lock.release()
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    runs.write_json(tmp_path / "a", "old")

    def fails(*names):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError):
        runs.write_json(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == '"old"\n' and [p.name for p in tmp_path.iterdir()] == ["a"]


# --- what a killed process leaves ---------------------------------------------------------------------------


def leave_temporaries(out):
    """Put into a run folder what killed processes leave: of a file being written, and of explain."""
    (out / ".metrics.csv.123.tmp").write_bytes(b"half")
    (out / "figures").mkdir(exist_ok=True)
    (out / "figures" / ".kept.png.123.tmp").write_bytes(b"half")
    for name in (".explain-ab_12x9z", ".explain-00000000"):
        (out / name).mkdir()
        (out / name / "0").write_bytes(b"whole")
        (out / name / ".1.123.tmp").write_bytes(b"half")


def test_force_replaces_a_run_with_leftovers(whole, tmp_path, capsys):
    assert run("toy", "--out", tmp_path / "out", "--quiet") == 0
    leave_temporaries(tmp_path / "out")
    capsys.readouterr()
    assert run("toy", "--out", tmp_path / "out", "--quiet") == 1
    one_error(capsys, "not empty")
    assert run("toy", "--out", tmp_path / "out", "--force", "--quiet") == 0 and same(tmp_path / "out", whole)


def test_resume_removes_leftovers(whole, tmp_path, monkeypatch):
    out = interrupted(monkeypatch, tmp_path / "out")
    leave_temporaries(out)
    assert resumed(out) == 0 and same(out, whole) and list((out / "figures").iterdir()) == []


def test_writing_together_removes_leftovers(tmp_path):
    leave_temporaries(tmp_path)
    runs.write_together(tmp_path, {"interpretation.json": "{}"})
    assert {p.name for p in tmp_path.iterdir()} == {"interpretation.json", "figures"}


@pytest.mark.parametrize("name", [".thesis.txt.123.tmp", ".explainer", "explain-1", ".explain", ".config.json.tmp"])
def test_files_of_others_are_not_taken_for_leftovers(name, tmp_path, capsys):
    (tmp_path / name).write_text("years of work")
    assert not files.is_temporary(name)
    assert run("toy", "--out", tmp_path, "--force", "--quiet") == 1
    one_error(capsys, name)
    assert (tmp_path / name).read_text() == "years of work"


def test_a_folder_of_others_is_no_leftover(whole, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / ".work.tmp").mkdir()
    (out / ".work.tmp" / "thesis").write_text("years of work")
    (out / ".explain-link").symlink_to(out / ".work.tmp", target_is_directory=True)
    files.remove_temporaries(out)
    assert (out / ".work.tmp" / "thesis").exists() and {p.name for p in out.iterdir()} == {".work.tmp"}


# --- what --force will not delete ---------------------------------------------------------------------------


def figures_as_a_link(out, other):
    (out / "figures").rmdir()
    (out / "figures").symlink_to(other, target_is_directory=True)


def figures_as_a_file(out, other):
    (out / "figures").rmdir()
    (out / "figures").write_text("drawings")


def a_picture_of_others(out, other):
    (out / "figures" / "holiday.jpg").write_bytes(b"sea")


def a_folder_of_others(out, other):
    (out / "figures" / "more.png").mkdir()


def a_folder_in_place_of_a_file(out, other):
    (out / "metrics.csv").unlink()
    (out / "metrics.csv").mkdir()


@pytest.mark.parametrize(
    "change, words",
    [
        (figures_as_a_link, "figures, a link"),
        (figures_as_a_file, "figures, a file"),
        (a_picture_of_others, "figures/holiday.jpg"),
        (a_folder_of_others, "figures/more.png"),
        (a_folder_in_place_of_a_file, "metrics.csv, a folder"),
    ],
)
def test_force_checks_everything_before_it_deletes(change, words, whole, tmp_path, capsys):
    out, other = tmp_path / "out", tmp_path / "other"
    other.mkdir()
    (other / ".kept.png.1.tmp").write_bytes(b"of others")
    assert run("toy", "--out", out, "--quiet") == 0
    change(out, other)
    before = {p: p.is_file() and p.read_bytes() for p in [*out.rglob("*"), *other.rglob("*")]}
    capsys.readouterr()
    assert run("toy", "--out", out, "--force", "--quiet") == 1
    one_error(capsys, words, "no run writes", "--force will not delete it")
    assert {p: p.is_file() and p.read_bytes() for p in [*out.rglob("*"), *other.rglob("*")]} == before


def test_a_link_to_a_file_is_removed_and_not_what_it_leads_to(whole, tmp_path):
    out = tmp_path / "out"
    assert run("toy", "--out", out, "--quiet") == 0
    (out / "model.npz").rename(tmp_path / "kept.npz")
    (out / "model.npz").symlink_to(tmp_path / "kept.npz")
    assert run("toy", "--out", out, "--force", "--quiet") == 0 and same(out, whole)
    assert (tmp_path / "kept.npz").exists() and not (out / "model.npz").is_symlink()
