"""Pictures. This room alone imports matplotlib: functions take data and Axes and return what they drew on.

    style.py       colours, an empty figure, a figure as PNG and SVG
    run.py         the course of a training run
    inputs.py      what a network looks at
    network.py     its connections, and the paths of one input
    findings.py    the figures of `python -m tinygsp.explain`, made of the two before
    comparison.py  methods side by side, for `python -m tinygsp.sweep`
    speed.py       for `python -m tinygsp.bench`

Nothing here writes a file: a figure becomes bytes, and whoever asked for it writes them.
"""

from tinygsp.plots.comparison import frontier
from tinygsp.plots.findings import (
    classes_figure,
    importance_figure,
    network_figure,
    paths_figure,
    symmetry_figure,
    validation_figure,
)
from tinygsp.plots.inputs import class_map, groups_map, importance_map, matrix, mirror_chart, rank_scatter
from tinygsp.plots.network import contribution_bars, network_diagram, path_diagram
from tinygsp.plots.run import (
    gate_histogram,
    pixels_used,
    run_figures,
    score_against_kept,
    training_curve,
)
from tinygsp.plots.speed import growth, image_rates, speed_figure, step_times
from tinygsp.plots.style import BLUE, GREEN, GREY, OKABE_ITO, ORANGE, Figure, canvas, files
from tinygsp.plots.tables import dependence_figure, importance_bars

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "OKABE_ITO",
    "ORANGE",
    "Figure",
    "canvas",
    "class_map",
    "classes_figure",
    "contribution_bars",
    "dependence_figure",
    "files",
    "frontier",
    "gate_histogram",
    "groups_map",
    "growth",
    "image_rates",
    "importance_bars",
    "importance_figure",
    "importance_map",
    "matrix",
    "mirror_chart",
    "network_diagram",
    "network_figure",
    "path_diagram",
    "paths_figure",
    "pixels_used",
    "rank_scatter",
    "run_figures",
    "score_against_kept",
    "speed_figure",
    "step_times",
    "symmetry_figure",
    "training_curve",
    "validation_figure",
]
