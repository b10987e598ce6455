"""The page of explain: which networks are on it, with their recordings, and how it is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # all of these import NumPy, which --help can do without
    from tinygsp.data import Dataset
    from tinygsp.page import Pruned
    from tinygsp.sparse import SparseNetwork

PAGE = "explorer.html"


def open_pruned(run: Path, network: SparseNetwork, others: Sequence[Path]) -> list[Pruned]:
    """Read what the page shows: the network of `run` with its recording, and those of other runs, if any are named.

    Raises RunError or ModelFileError if a file is missing, damaged, or does not fit the network of `run`.
    """
    from tinygsp.data.scaling import is_columnwise
    from tinygsp.page import Pruned
    from tinygsp.page.builder import check_alike
    from tinygsp.runs import RunError, Wiring, read_config
    from tinygsp.sparse import SparseNetwork

    pruned = []
    for folder in (run, *others):
        try:
            if folder != run:
                read_config(folder)  # refuses what is no run folder
            found = network if folder == run else SparseNetwork.load(folder / "model.npz")
            recording = folder / "wiring.npz"
            has_film = recording.is_file() and not is_columnwise(found.meta)  # that of a table shows another network
            pruned.append(Pruned(found, Wiring.load(recording) if has_film else None))
            check_alike(pruned[-1], network)
        except ValueError as error:
            raise RunError(f"{folder}: {error}") from error
    return pruned


def page(
    pruned: Sequence[Pruned], dataset: Dataset, step: Callable[[str], None]
) -> tuple[dict[str, str], dict[str, str]]:
    """Build the page of networks: ({file name: text}, {}), or ({}, {file name: why there is none})."""
    from tinygsp.data.scaling import is_columnwise
    from tinygsp.page import build, build_table, learn

    network, shape = pruned[0].network, pruned[0].network.meta.input_shape
    is_table = is_columnwise(network.meta)
    if not is_table and (len(shape) != 2 or network.meta.task != "classification"):
        return {}, {PAGE: "only a network that classifies images can be drawn to"}
    step("the page one can play on" if is_table else "the page one can draw on")
    try:
        if is_table:
            return {PAGE: build_table(network, dataset)}, {}
        learnt = learn(dataset.train_x, dataset.val_x, shape)
        return {PAGE: build(pruned, dataset.test_x, dataset.test_y, learnt)}, {}
    except ValueError as error:
        return {}, {PAGE: str(error)}
