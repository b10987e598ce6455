"""The figure of a sweep, test accuracy against parameters kept, and what others have published to compare it with.

It stands apart from tables.py because it imports plots, and with it matplotlib, which takes a second.
"""

from __future__ import annotations

from collections.abc import Sequence

from tinygsp import plots

PUBLISHED = (  # of 784-300-100-10 on MNIST: name, parameters kept, test accuracy, where its label stands, in points
    ("Sparse VD", 3919, 0.9808, (24, 30)),  # Molchanov, Ashukha, Vetrov 2017
    # Dettmers and Zettlemoyer 2019, github.com/TimDettmers/sparse_learning
    ("Sparse Momentum", 2666, 0.9764, (66, -13)),
    ("Sparse Momentum", 3999, 0.9795, (18, -11)),
    ("Sparse Momentum", 5332, 0.9801, (9, 0)),
    # The next three are also in MNIST_sparse_summary.csv of that repository.
    ("Dynamic Sparse", 2666, 0.9754, (66, -25)),  # Mostafa and Wang 2019
    ("DeepR", 2666, 0.94, (-8, 0)),  # Bellec et al. 2018
    ("SET", 2666, 0.958, (8, 0)),  # Mocanu et al. 2018
    ("LC", 2666, 0.968, (8, 0)),  # Carreira-Perpinan and Idelbayev 2018
    ("DNS", 4800, 0.98, (4, 18)),  # Guo, Yao, Chen 2016
    ("linear classifier", 7850, 0.916, (-8, 0)),  # 784-10, nothing pruned
)


def frontier_files(rows: Sequence[dict], summary: Sequence[dict], with_published: bool) -> dict[str, bytes]:
    """Draw the frontier as PNG and as SVG, {file name: bytes}; the arguments are those of `frontier_figure`."""
    return plots.files("frontier", frontier_figure(summary, rows[0]["task"], with_published))


def frontier_figure(summary: Sequence[dict], task: str, with_published: bool) -> plots.Figure:
    """Draw the frontier: for each method of the summary a line, test score against parameters kept.

    with_published : whether the figures of others, which are of 784-300-100-10 on MNIST, are drawn too
    """
    figure, axes = plots.canvas((9, 5.5))
    score_name = "accuracy" if task == "classification" else "R²"
    plots.frontier(summary, PUBLISHED if with_published else (), axes[0, 0], score_name)
    return figure
