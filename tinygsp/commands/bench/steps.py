"""Time whole training steps: with every connection live, with few left, the matrix products alone, and PyTorch's.

Lesson 09 shows why a step costs what it does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinygsp import methods
from tinygsp.commands.bench import peers
from tinygsp.commands.bench.timing import BATCH, batches, in_turn
from tinygsp.data import Dataset
from tinygsp.nn.layers import MaskedDense, MaskedEdges, feature_major
from tinygsp.training import Settings, Trainer
from tinygsp.training.wiring import close

HIDDEN = (300, 100)
WIDER = ((1000, 300), (3000, 1000))
# {live connections: (those of each layer, pixels and units that are alive, share of the live gates that are open)},
# as the default MNIST run with seed 0 has them in the epochs where it passes these counts
STATES = {
    20_000: ((15_800, 3_720, 480), (530, 240, 95), 0.03),
    5_000: ((4_300, 540, 160), (450, 100, 55), 0.10),
    1_000: ((860, 90, 50), (350, 45, 31), 0.40),
    400: ((271, 70, 59), (208, 36, 28), 1.00),
}


def steps(dataset: Dataset, hidden: tuple[int, ...], repeats: int) -> tuple[dict[str, float], dict[str, str]]:
    """Time one training step: dense, at each count of live connections, its products alone, PyTorch's.

    Returns ({name: milliseconds}, {library that is missing: reason}).
    """
    functions = {"products": products(dataset, hidden), "dense": stepper(gated_trainer(dataset, hidden))}
    functions |= {f"{live:,} live": stepper(gated_trainer(dataset, hidden, live)) for live in STATES}
    others, missing = peers.collect({"PyTorch": lambda: peers.torch_steps(dataset, hidden)})
    if others:
        compiled, failed = peers.collect({"torch.compile": lambda: peers.compiled_step(dataset, hidden)})
        others, missing = others | compiled, missing | failed
    return {name: 1e3 * seconds for name, seconds in in_turn(functions | others, repeats).items()}, missing


def gated_trainer(dataset: Dataset, hidden: tuple[int, ...], live: int | None = None) -> Trainer:
    """Return a Trainer whose network has a gate at every connection, or at `live` of them, one of the keys of STATES.

    The connections that are left are drawn at random between units that are drawn at random.
    """
    # rates of 0 keep all steps alike; images stay where they are, as in PyTorch's steps
    settings = Settings(hidden=hidden, lr=0.0, gate_lr=0.0, dense_epochs=0, shift=0)
    trainer = Trainer(dataset, settings, methods.find(methods.DEFAULT))
    trainer.begin(trainer.phases[0])  # without dense epochs, the phase that gives each weight its gate
    if live is None:
        return trainer
    net, rng = trainer.net, np.random.default_rng(live)
    counts, alive, open_share = STATES[live]
    units = [rng.choice(size, n_alive, replace=False) for size, n_alive in zip(net.sizes, alive)]
    units.append(np.arange(dataset.n_out))
    for layer, count, rows, cols in zip(net.layers, counts, units, units[1:]):
        turn = np.arange(max(len(rows), len(cols)))
        cells = np.unique(np.stack([turn % len(rows), turn % len(cols)]), axis=1)  # every unit is connected
        more = rng.choice(len(rows) * len(cols), count, replace=False)
        row, col = np.concatenate([cells, np.divmod(more, len(cols))], axis=1)[:, :count]
        gate = layer.params["gate"]
        gate[:] = -np.inf
        gate[rows[row], cols[col]] = np.where(rng.random(count) < open_share, 8, -2)
    close(net, [layer.params["gate"] > -np.inf for layer in net.layers])
    return trainer


def stepper(trainer: Trainer) -> Callable[[], float]:
    """Return a function that takes one training step, at three tenths of the first phase, and returns its loss."""
    samples = batches(trainer.dataset)
    return lambda: trainer.train_step(trainer.phases[0], 0.3, next(samples))


def products(dataset: Dataset, hidden: tuple[int, ...]) -> Callable[[], None]:
    """Return a function that computes the matrix products of a dense step and nothing else.

    They are those of the forward pass, of dW, and of dx in all layers but the first.
    """
    rng = np.random.default_rng(0)
    sizes = [dataset.n_in, *hidden, dataset.n_out]
    xs = [rng.normal(0, 1, (size, BATCH)).astype(np.float32).T for size in sizes]
    layers = []
    for k, (x, y) in enumerate(zip(xs, xs[1:])):
        W = rng.normal(0, 1, (x.shape[1], y.shape[1])).astype(np.float32)
        layers.append((x, W, y, np.empty_like(W), np.empty_like(x.T).T if k else None))

    def run():
        for x, W, y, _, _ in layers:
            np.matmul(x, W, out=y)
        for x, W, y, dW, dx in layers:
            np.matmul(x.T, y, out=dW)
            if dx is not None:
                np.matmul(y, W.T, out=dx)

    return run


# --- one layer, dense or as a list --------------------------------------------------------------------------


def switch(repeats: int, n_in: int = 300, n_out: int = 200, open_share: float = 0.3) -> list[dict]:
    """Time one layer as a matrix and as a list of connections, by the share of its connections that are live.

    The share at which both take as long is the best value of `Settings.edges_below`. What is timed is the layer's
    noise, its forward and backward pass and its penalty; of the live gates, `open_share` are open.

    Returns for each share {"live": share, "dense": ms, "list": ms}.
    """
    rng, table = np.random.default_rng(0), []
    x, dy = (feature_major(BATCH, size, np.float32) for size in (n_in, n_out))
    x[:], dy[:] = rng.normal(0, 1, x.shape), rng.normal(0, 1, dy.shape)
    for share in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
        dense, edges = layer_pair(rng, n_in, n_out, share, open_share)
        functions = {"dense": layer_step(dense, x, dy), "list": layer_step(edges, x, dy)}
        times = {name: 1e3 * seconds for name, seconds in in_turn(functions, repeats).items()}
        table.append({"live": share, **times})
    return table


def layer_pair(
    rng: np.random.Generator, n_in: int, n_out: int, share: float, open_share: float
) -> tuple[MaskedDense, MaskedEdges]:
    """Make the same random layer as a matrix and as a list; `share` of its connections are live."""
    W = rng.normal(0, 1, (n_in + 1, n_out)).astype(np.float32)
    gate = np.where(rng.random(W.shape) < open_share, 8, -8).astype(np.float32)
    live = rng.random(W.shape) < share
    gate[~live] = -np.inf
    col, row = np.nonzero(live.T)
    index = (row * n_out + col).astype(np.uint32)
    inputs, outputs = np.arange(n_in), np.arange(n_out)
    dense = MaskedDense(W.copy(), gate.copy(), needs_dx=False)
    return dense, MaskedEdges(W[row, col], gate[row, col], index, W.shape, inputs, outputs, needs_dx=False)


def layer_step(layer: MaskedDense, x: np.ndarray, dy: np.ndarray) -> Callable[[], None]:
    """Return a function that does all that a training step does with one layer."""

    def run():
        layer.sample(1, 0.5)
        layer.forward(x)
        layer.backward(dy)
        layer.penalty(0.0)

    return run
