"""Check that a network can be read: one of this data set, connected, small enough, with numbers that stay finite."""

from __future__ import annotations

import numpy as np

from tinygsp.data import Dataset
from tinygsp.data.limits import shown
from tinygsp.reading.matrices import check_cells, levels
from tinygsp.reading.pathways import path_weights
from tinygsp.sparse import ModelFileError, SparseNetwork

LARGEST_GAIN = 1e100  # of the weights along all paths to an output: its square is far below what float64 holds


def check_fit(network: SparseNetwork, dataset: Dataset) -> None:
    """Raise ModelFileError, one line, unless everything in this room can be asked of `network` with these data.

    Its inputs, their shape and names, its outputs and their names, and its task must be those of the data set. At
    least one path must lead from an input to an output, and its matrices must fit into memory. Its scores of the
    validation and test split must be finite, and so must be what its weights multiply to along the paths.
    """
    meta = network.meta
    for what, has, needs in (
        ("inputs", network.layers[0].n_in, dataset.n_in),
        ("outputs", network.layers[-1].n_out, dataset.n_out),
        ("task", meta.task, dataset.task),
        ("input_shape", meta.input_shape or dataset.input_shape, dataset.input_shape),  # () says nothing
        ("class names", meta.class_names, dataset.class_names),
        ("input names", meta.input_names, dataset.input_names),
    ):
        if has != needs:
            raise ModelFileError(f"{what} {shown(has)}, but {shown(needs)} in the data set {shown(dataset.name)}")
    if not network.reaches().any():
        raise ModelFileError("no input is connected to an output, so there is nothing to explain")
    try:
        check_cells(levels(network))
    except ValueError as error:
        raise ModelFileError(str(error)) from error
    with np.errstate(over="ignore", invalid="ignore"):
        gain = float(path_weights(network).max())
    if not gain < LARGEST_GAIN:
        raise ModelFileError(f"the weights along its paths multiply to {gain:.3g}; less than {LARGEST_GAIN:g} is read")
    for x in (dataset.val_x, dataset.test_x):
        if x is not None and not np.isfinite(network.scores(x)).all():
            raise ModelFileError(f"its scores of the data set {shown(dataset.name)} are too large for float32")
