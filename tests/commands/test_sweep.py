"""The sweep command: one table whatever computes it, nothing is done twice, and old results are found."""

import io
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.sweeps import FILES, FOUR, SMALL, result_files, run, table

from tinygsp import data, methods, runs
from tinygsp.sweeping import Task, executors, figure, pool
from tinygsp.sweeping.figure import frontier_files
from tinygsp.training import Settings, Trainer

SWEEPS = Path(__file__).resolve().parents[2] / "data" / "sweeps"

pytestmark = pytest.mark.usefixtures("light_sweep")


# --- one table, whatever computes it ------------------------------------------------------------------------


def test_the_folder_is_complete(made_sweep):
    assert {p.name for p in made_sweep.iterdir()} == FILES and len(result_files(made_sweep)) == 4
    assert json.loads((made_sweep / "env.json").read_text())["threads"] == 1
    rows = table(made_sweep)
    order = [("gates", "0"), ("gates", "1"), ("magnitude", "0"), ("magnitude", "1")]
    assert [(r["method"], r["seed"]) for r in rows] == order
    for r, path in zip(rows, result_files(made_sweep), strict=True):
        assert r["data"].startswith("bands") and r["at_most"] == "57" and 40 < int(r["kept"]) <= 57
        assert int(r["kept"]) == int(r["kept_weights"]) + int(r["kept_biases"])
        assert int(r["steps"]) == int(r["epochs"]) * 11 and 0.3 < float(r["test_accuracy"]) <= 1  # 660 images
        result = json.loads(path.read_text())["result"]
        assert {"cpu_seconds", "seconds", "dense_val_accuracy", "model_bytes", "environment"} <= result.keys()


def test_the_same_table_with_processes_and_with_threads(made_sweep, folder, tmp_path, monkeypatch):
    assert run(folder, *FOUR, "--out", tmp_path / "threads", "--workers", 2, "--quiet") == 0
    monkeypatch.setattr(executors, "pool", pool)
    assert run(folder, *FOUR, "--out", tmp_path / "processes", "--workers", 2, "--quiet") == 0
    assert table(tmp_path / "threads") == table(tmp_path / "processes") == table(made_sweep)
    assert [p.name for p in result_files(tmp_path / "processes")] == [p.name for p in result_files(made_sweep)]


def test_it_is_what_a_single_run_gives(made_sweep, folder):
    settings = replace(Settings(), hidden=(12, 8), epochs=2, batch_size=64, density=0.1)
    trainer = Trainer(data.load(str(folder), 1), settings, methods.find("magnitude"), 1)
    records = list(trainer.run())
    summary = runs.summarise(trainer, trainer.network, records, 0)
    row = table(made_sweep)[3]
    assert row["test_accuracy"] == f"{summary['test_accuracy']:.6f}" and row["kept"] == str(summary["kept"])


def test_a_regression(small_toy, tmp_path, monkeypatch, capsys):
    """The toy problem at its own density, with a figure."""
    monkeypatch.setattr(figure, "frontier_files", frontier_files)
    assert run("toy", "--seeds", "0-1", "--methods", "gates,random", "--out", tmp_path / "toy", "--quiet") == 0
    assert "test R²" in capsys.readouterr().out
    assert [(r["density"], r["at_most"]) for r in table(tmp_path / "toy")] == [("0.2", "36")] * 4
    assert (tmp_path / "toy/frontier.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "toy/frontier.svg").read_bytes()


# --- nothing is done twice ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name, count", [("mnist", 160), ("mnist-vd", 5), ("mnist-magnitude", 3)])
def test_results_that_were_measured_give_their_table_again(name, count, tmp_path, tasks_run, capsys):
    """Byte for byte, without a run, from the results in data/sweeps."""
    out = shutil.copytree(SWEEPS / name, tmp_path / name)
    (out / "table.csv").unlink()
    options = {"mnist-vd": ["--methods", "vd", "--densities", 0.01045],
               "mnist-magnitude": ["--methods", "magnitude", "--densities", 0.083, "--seeds", "0-2"]}  # fmt: skip
    assert run("mnist", *options.get(name, []), "--tables", "--out", out) == 0 and tasks_run == []
    captured = capsys.readouterr()
    assert captured.err == f"{count} of {count} were already done\n" and f"\n{count} runs, " in captured.out
    assert (out / "table.csv").read_bytes() == (SWEEPS / name / "table.csv").read_bytes()


def test_repeated_it_runs_nothing(whole_sweep, folder, tasks_run, capsys):
    before = (whole_sweep / "table.csv").read_bytes()
    assert run(folder, *FOUR, "--out", whole_sweep) == 0 and tasks_run == []
    assert (whole_sweep / "table.csv").read_bytes() == before
    assert "4 of 4 were already done" in capsys.readouterr().err


def test_more_seeds_run_only_what_is_new(whole_sweep, folder, tasks_run, capsys):
    assert run(folder, *FOUR, "--out", whole_sweep, "--seeds", "0-2") == 0
    assert [task.seed for task in tasks_run] == [2, 2] and len(table(whole_sweep)) == 6
    assert "4 of 6 were already done" in capsys.readouterr().err
    assert run(folder, *FOUR, "--out", whole_sweep, "--epochs", 3, "--quiet") == 0  # other settings: other tasks
    assert len(tasks_run) == 6 and len(result_files(whole_sweep)) == 10 and len(table(whole_sweep)) == 4


def test_a_missing_result_is_the_only_one_run(whole_sweep, made_sweep, folder, tasks_run):
    result_files(whole_sweep)[2].unlink()
    assert run(folder, *FOUR, "--out", whole_sweep, "--quiet") == 0
    assert [f"{task.name}.json" for task in tasks_run] == [result_files(made_sweep)[2].name]
    texts = ((out / "table.csv").read_text().splitlines() for out in (whole_sweep, made_sweep))
    changed = [a != b for a, b in zip(*texts, strict=True)]
    assert sum(changed) <= 1 and table(whole_sweep) == table(made_sweep)  # cpu_seconds apart, all bytes are as before


def test_tables_of_what_is_done(whole_sweep, made_sweep, folder, tasks_run, capsys):
    next((whole_sweep / "tasks").iterdir()).unlink()
    assert run(folder, *FOUR, "--out", whole_sweep, "--tables") == 0 and tasks_run == []
    kept = table(whole_sweep)
    assert len(kept) == len(table(made_sweep)) - 1 and all(row in table(made_sweep) for row in kept)
    assert "3 runs" in capsys.readouterr().out


@pytest.mark.parametrize("harm", ["empty", "half", "binary", "other", "list", "text", "missing", "deep"])
def test_a_damaged_result_is_run_anew(harm, whole_sweep, made_sweep, folder, tasks_run, capsys):
    path, other = result_files(whole_sweep)[:2]
    content = json.loads(path.read_text())
    if harm == "text":
        content["result"]["kept"] = "57"
    if harm == "missing":
        del content["result"]["steps"]
    path.write_bytes({
        "empty": b"", "half": path.read_bytes()[:300], "binary": b"\xff\x00" * 50, "other": other.read_bytes(),
        "list": b"[1]", "text": json.dumps(content).encode(), "missing": json.dumps(content).encode(),
        "deep": b"[" * 100_000,
    }[harm])  # fmt: skip
    assert run(folder, *FOUR, "--out", whole_sweep) == 0
    error = capsys.readouterr().err
    assert [f"{task.name}.json" for task in tasks_run] == [path.name] and "3 of 4 were already done" in error
    assert f"warning: {path}: damaged" in error and error.count("warning") == 1
    assert table(whole_sweep) == table(made_sweep)


def test_what_a_killed_sweep_leaves_half_written_goes(whole_sweep, folder):
    (whole_sweep / ".table.csv.123.tmp").write_text("half")
    (whole_sweep / "tasks" / f".{result_files(whole_sweep)[0].name}.123.tmp").write_text("half")
    (whole_sweep / "sweep.lock").write_text("1\n")
    assert run(folder, *FOUR, "--out", whole_sweep, "--quiet") == 0
    assert {p.name for p in whole_sweep.iterdir()} == FILES and len(result_files(whole_sweep)) == 4


def test_the_same_data_in_another_place_are_the_same(whole_sweep, folder, tmp_path, tasks_run, monkeypatch):
    moved = shutil.copytree(folder, tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    assert run("moved", *FOUR, "--out", whole_sweep, "--quiet") == 0 and tasks_run == []
    assert {r.pop("data") for r in table(whole_sweep)} == {"moved"}
    shutil.copy(moved / "t10k-images-idx3-ubyte.gz", moved / "train-images-idx3-ubyte.gz")
    shutil.copy(moved / "t10k-labels-idx1-ubyte.gz", moved / "train-labels-idx1-ubyte.gz")
    assert run("moved", *FOUR, "--out", whole_sweep, "--quiet") == 0 and len(tasks_run) == 4
    assert tasks_run[0].data == str(moved.resolve())


# --- what is printed ----------------------------------------------------------------------------------------


def test_the_summary_for_people_and_for_programs(whole_sweep, folder, capsys):
    for path in result_files(whole_sweep):
        content = json.loads(path.read_text())
        content["result"]["cpu_seconds"] = 1350.0
        path.write_text(json.dumps(content))
    assert run(folder, *FOUR, "--out", whole_sweep, "--quiet") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[1:3]] == ["gates", "magnitude"] and lines[3] == ""
    assert lines[4] == "4 runs, 1.50 core-hours; ± is a standard deviation, of a difference its error"
    assert lines[5:] == [f"table and figure: {whole_sweep}"]
    assert run(folder, *FOUR, "--out", whole_sweep, "--json") == 0
    captured = capsys.readouterr()
    content = json.loads(captured.out)
    assert captured.err == "" and content["core_hours"] == pytest.approx(1.5) and content["failed"] == []
    assert content["out"] == str(whole_sweep) and [s["method"] for s in content["summary"]] == ["gates", "magnitude"]


def test_progress(folder, tmp_path, capsys):
    arguments = [folder, *SMALL, "--methods", "magnitude", "--seeds", "3,1"]
    assert run(*arguments, "--out", tmp_path / "a") == 0
    error = capsys.readouterr().err.splitlines()
    assert error[0] == "2 tasks" and "1 of 2  magnitude" in error[1] and "2 of 2" in error[2] and len(error) == 3
    assert run(*arguments, "--out", tmp_path / "b", "--quiet") == 0 and capsys.readouterr().err == ""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "xterm")
        patch.setattr(sys, "stderr", Terminal())
        assert run(*arguments, "--out", tmp_path / "c") == 0
        assert "\r" in sys.stderr.getvalue() and "2/2" in sys.stderr.getvalue()


def test_published_figures_belong_to_mnist(whole_sweep, folder, tmp_path, monkeypatch):
    """And to the network that others have pruned."""
    shown = []
    monkeypatch.setattr(figure, "frontier_files", lambda rows, summary, published: shown.append(published) or {})
    assert run(folder, *FOUR, "--out", whole_sweep, "--quiet") == 0 and shown == [False]
    out = shutil.copytree(SWEEPS / "mnist-vd", tmp_path / "vd")
    vd = ["--methods", "vd", "--densities", 0.01045, "--tables", "--out", out]
    assert run("mnist", *vd) == run("mnist", *vd, "--hidden", "300,100") == 0 and shown == [False, True, True]
    wider = json.loads(result_files(out)[0].read_text())
    wider["task"]["settings"]["hidden"] = [400, 100]
    name = Task("mnist", **{k: v for k, v in wider["task"].items() if k != "format"}).name
    (out / "tasks" / f"{name}.json").write_text(json.dumps(wider))
    assert run("mnist", *vd, "--hidden", "400,100") == 0 and shown == [False, True, True, False]
