"""Record what the pages of the lessons show: python .github/pages/record.py [NAME ...]

Each name is one file of this folder that is written anew: `rate.json`, `price.json` or `shrink.json`; without a name,
all of them. `rate` takes no time, `price` some minutes, `shrink` the time of `python -m tinygsp.train mnist`. Then
`build.py` puts them into the pages.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded: one core for all

import numpy as np

from tinygsp import data, methods
from tinygsp.nn.metrics import r_squared
from tinygsp.training import TOY, Settings, Trainer

HERE = Path(__file__).parent
PRICES = [float(f"{price:.1e}") for price in np.geomspace(1e-5, 1e-1, 33)]
SEED = 0


def record_rate() -> dict:
    """Return the valley of lesson 01: the second derivatives H of its loss, its lowest point and the loss there."""
    rng = np.random.default_rng(SEED)
    x = rng.uniform(0, 3, 40)
    target = 1.5 * x - 1 + rng.normal(0, 0.4, 40)
    best = np.polyfit(x, target, 1)  # slope, intercept
    H = 2 * np.array([[np.mean(x * x), np.mean(x)], [np.mean(x), 1]])
    return {"H": H.tolist(), "best": best.tolist(), "lowest": float(np.mean((np.polyval(best, x) - target) ** 2))}


def search_at(price: float, epochs: int = 100) -> Trainer:
    """Search on the toy problem at a price that stays the same, as lesson 08 does."""
    settings = replace(TOY, dense_epochs=0, tries=1, epochs=epochs, retire_below=-np.inf)
    settings = replace(settings, price_start=price, price_rate=0.0, price_damping=0.0)
    trainer = Trainer(data.load("toy", SEED), settings, methods.find("gates"), SEED)
    while trainer.epoch < epochs:
        trainer.train_epoch()
    return trainer


def record_price() -> dict:
    """Return the network that a search leaves at each price: its connections, biases, R^2 on validation and open gates.

    A connection is [input, output, weight], its input counted from 0.
    """
    toy, found = data.load("toy", SEED), []
    for price in PRICES:
        net = search_at(price).net
        is_open = [layer.params["gate"] > 0 for layer in net.layers]
        network = net.to_network(is_open).trim()
        layers = [
            {
                "edges": [[int(i), int(j), short(w)] for i, j, w in zip(layer.row, layer.col, layer.weight)],
                "bias": [short(b) for b in layer.bias],
            }
            for layer in network.layers
        ]
        score = [round(float(value), 4) for value in r_squared(network.scores(toy.val_x), toy.val_y)]
        opened = int(sum(np.count_nonzero(mask) for mask in is_open))
        found.append({"price": price, "open": opened, "kept": network.count(), "score": score, "layers": layers})
        print(price, opened, network.count(), score, file=sys.stderr, flush=True)
    return {"sizes": [4, 10, 10, 2], "networks": found, "seed": SEED}


def record_shrink() -> dict:
    """Return what each epoch of the default run on MNIST worked on, and the time of its steps on one core.

    live  : connections that are not closed for good when the epoch is over;  cells : numbers stored for them
    ms    : milliseconds of the processor for a step, with its share of validation, closing and rewiring
    """
    trainer = Trainer(data.load("mnist", SEED), Settings(), methods.find("gates"), SEED)
    rows = []
    while trainer.epoch < trainer.total_epochs:
        began = time.process_time()
        record = trainer.train_epoch()
        ms = 1e3 * (time.process_time() - began) / trainer.steps_per_epoch
        layers = trainer.net.layers
        live = int(sum(np.count_nonzero(layer.params["gate"] > -np.inf) for layer in layers))
        cells = int(sum(layer.params["W"].size for layer in layers))
        accuracy = round(float(record["val_accuracy"]), 4)
        rows.append((record["phase"], live, cells, int(record["open_gates"]), round(ms, 3), accuracy))
        print(trainer.epoch, *rows[-1], file=sys.stderr, flush=True)
    names = ("phase", "live", "cells", "open", "ms", "accuracy")
    return {"total": trainer.total, "seed": SEED, "steps": trainer.steps_per_epoch, **dict(zip(names, zip(*rows)))}


def short(value: float) -> float:
    """Round to four significant digits."""
    return float(f"{float(value):.4g}")


RECORDERS = {"rate": record_rate, "price": record_price, "shrink": record_shrink}


def main() -> None:
    """Write the files that are named on the command line."""
    for name in sys.argv[1:] or RECORDERS:
        if name not in RECORDERS:
            raise SystemExit(f"{name} is no recording: expected {', '.join(RECORDERS)}")
        text = json.dumps(RECORDERS[name](), separators=(",", ":"))
        (HERE / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
