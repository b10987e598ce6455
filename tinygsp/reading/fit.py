"""Check that a network can be read: that it is one of this data set, small enough, and connected at all."""

from __future__ import annotations

from tinygsp.data import Dataset
from tinygsp.data.limits import shown
from tinygsp.reading.matrices import check_cells, levels
from tinygsp.sparse import ModelFileError, SparseNetwork


def check_fit(network: SparseNetwork, dataset: Dataset) -> None:
    """Raise ModelFileError, one line, unless everything in this room can be asked of `network` with these data.

    Its inputs, their shape and names, its outputs and their names, and its task must be those of the data set. At
    least one path must lead from an input to an output, and its matrices must fit into memory.
    """
    meta = network.meta
    for what, has, needs in (
        ("inputs", network.layers[0].n_in, dataset.n_in),
        ("outputs", network.layers[-1].n_out, dataset.n_out),
        ("task", meta.task, dataset.task),
        ("input_shape", meta.input_shape, dataset.input_shape),
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
