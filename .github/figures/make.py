"""Draw the pictures of the documents: python .github/figures/make.py RUN

RUN is the folder of a run of `python -m tinygsp.train mnist` that `python -m tinygsp.explain` has read. From it come
network, classes and mnist; frontier is drawn from data/sweeps/mnist/table.csv, and bench from the tables that
tinygsp/README.md shows. Each is written here as PNG and as SVG. The moving picture has a script of its own, movie.py.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

from tinygsp import plots, sweeping
from tinygsp.sparse import SparseNetwork
from tinygsp.sweeping.figure import frontier_figure

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def run_figure(run: Path) -> plots.Figure:
    """Draw the course of a run on the left, the pixels that its network reads on the right."""
    with open(run / "metrics.csv", newline="", encoding="utf-8") as file:
        records = [
            {k: v if k == "phase" else float(v or "nan") for k, v in row.items()} for row in csv.DictReader(file)
        ]
    figure = plots.Figure(figsize=(10.4, 4.4), layout="constrained")
    axes = figure.subplot_mosaic([["upper", "pixels"], ["lower", "pixels"]], height_ratios=(3, 2))
    axes["lower"].sharex(axes["upper"])
    axes["upper"].tick_params(labelbottom=False)
    plots.training_curve(records, "accuracy", axes["upper"], axes["lower"])
    plots.pixels_used(SparseNetwork.load(run / "model.npz"), axes["pixels"])
    return figure


def sweep_rows(path: Path) -> list[dict]:
    """Read the rows of a table.csv as `sweeping` has them."""
    texts = ("data", "method")
    with open(path, newline="", encoding="utf-8") as file:
        return [{k: v if k in texts else float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def printed_bench(text: str) -> dict:
    """Read the results of the bench back from what it printed."""

    def table(heading: str) -> list[list[str]]:
        lines = re.search(rf"^{heading}.*\n((?:.+\n)+?)(?:\n|  \d|one image|```)", text, re.M)[1].splitlines()
        return [re.split(r"\s{2,}", line) for line in lines]

    number = lambda cell: float(cell.replace(",", ""))  # noqa: E731
    hidden = re.search(r"^ms a step, hidden layers +(.+)$", text, re.M)[1].split()
    wider = {name: list(map(number, cells)) for name, *cells in table("ms a step")}
    return {
        "steps": {name: number(ms) for name, ms, *_ in table("training step") if not name.startswith("mean")},
        "inference": {"images a second": {name: number(rate) for name, rate, _ in table("inference")}},
        "growth": {size: {name: cells[k] for name, cells in wider.items()} for k, size in enumerate(hidden)},
    }


def main() -> None:
    """Write all pictures."""
    run = Path(sys.argv[1])
    rows = sweep_rows(ROOT / "data" / "sweeps" / "mnist" / "table.csv")
    bench = printed_bench((ROOT / "tinygsp" / "README.md").read_text(encoding="utf-8"))
    made = plots.files("mnist", run_figure(run))
    made |= plots.files("frontier", frontier_figure(sweeping.summarise(rows), "classification", with_published=True))
    made |= plots.files("bench", plots.speed_figure(bench))
    for name, drawn in (("network", "network"), ("classes", "importance_classes")):
        for kind in ("png", "svg"):
            made[f"{name}.{kind}"] = (run / "figures" / f"{drawn}.{kind}").read_bytes()
    for name, content in made.items():
        (HERE / name).write_bytes(content)


if __name__ == "__main__":
    main()
