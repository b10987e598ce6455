"""Ask a network everything that the library can answer, in little time and memory."""

import functools

import numpy as np

from tinygsp import reading
from tinygsp.sparse.export import FORMATS

SAMPLES = 5


def use_network(network):
    """Ask all questions; a ValueError of one line is an answer, anything else a broken promise."""
    n_in, n_out = network.layers[0].n_in, network.layers[-1].n_out
    rng = np.random.default_rng(0)
    values = rng.integers(256, size=(SAMPLES, n_in), dtype=np.uint8)
    classify = network.meta.task == "classification"
    target = rng.integers(n_out, size=SAMPLES) if classify else rng.normal(size=(SAMPLES, n_out))
    with np.errstate(all="ignore"):  # weights of 1e38 overflow, as they must
        trimmed = network.trim()
        assert trimmed.count() <= network.count() + n_out and network.density <= 1
        assert [len(used) for used in network.used_inputs()] == [part["inputs"] for part in network.report()]
        reached = network.reaches()
        assert reached.shape == (n_in, n_out) and reached.any() == (reading.count_paths(network) > 0)
        for question in (
            lambda: network.scores(values),
            lambda: network.predict(values),
            lambda: reading.path_counts(network),
            lambda: reading.importances(network, values, target),
            lambda: reading.class_maps(network, values),
            lambda: reading.symmetric_groups(network),
            lambda: reading.ablation(network, values, target),
            lambda: reading.contributions(network, values[0], limit=10_000),
            lambda: reading.formulas(network),
            lambda: reading.order_units(network, restarts=1),
            *(functools.partial(network.export, to) for to in FORMATS),
            lambda: network.export("c", int8=True, main=True),
        ):
            try:
                question()
            except ValueError as error:
                assert str(error).isprintable() and len(str(error)) <= 300, error
