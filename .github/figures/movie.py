"""Make the moving picture of README.md from a recorded run: python .github/figures/movie.py RUN

RUN is the folder of a finished run of `python -m tinygsp.train mnist`. Its wiring.npz has the network after many
epochs; each becomes a frame. At the end a digit is drawn, stroke by stroke, with the strokes that the tests of the page
draw, and the finished network reads it. Writes prune.webp, and prune.png, the last frame, for readers who want nothing
to move. The same run gives the same bytes.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from PIL import Image

from tinygsp import reading
from tinygsp.runs import Wiring
from tinygsp.runs.wiring import first_cells
from tinygsp.sparse import SparseNetwork

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))
from helpers import strokes  # noqa: E402

WIDTH, HEIGHT = 800, 470
PAPER, INK, SOFT, LINE, WIRE = "#16181c", "#f2f2f2", "#b4b8be", "#3c3f44", "#8f949b"
FOR, AGAINST = "#56b4e9", "#ff8c3b"  # as on the page
PAD = (24, 78, 270)  # left, top and side of the image
LEVELS = (430, 580, 690)  # where the units stand, and the digits
TOP, BOTTOM = 72, 352
SAMPLE = 7000  # connections drawn of those of the whole network
DIGIT, WAY, HAND = 3, 0, 2  # which digit is drawn, in which way, by which hand
SAYS = {
    "dense": "A whole network learns to read digits.",
    "search": "Every connection gets a gate. Open gates cost, so most of them close.",
    "rewire": "399 numbers are left. Those that matter least change places.",
    "finetune": "The survivors are fine-tuned.",
}

Moment = tuple[Image.Image, int]  # a frame, and how many milliseconds it is seen


class Stage:
    """Where everything stands, and an empty picture of it."""

    def __init__(self, network: SparseNetwork, wiring: Wiring) -> None:
        self.wiring, self.firsts = wiring, first_cells(wiring.sizes)
        orders = [order.tolist() for order in reading.order_units(network, fixed=[-1], restarts=8)]
        left, top, side = PAD
        cell = side / 28
        y, x = np.divmod(np.arange(wiring.sizes[0]), 28)
        self.places = [np.stack([left + cell * (x + 0.5), top + cell * (y + 0.5)], axis=1)]
        for k, size in enumerate(wiring.sizes[1:], start=1):
            self.places.append(np.stack([np.full(size, LEVELS[k - 1]), self.heights(size, orders[k])], axis=1))

    @staticmethod
    def heights(size: int, order: Sequence[int]) -> np.ndarray:
        """Give each of `size` units a height: those of `order` stand evenly, the others between them."""
        y = np.empty(size)
        y[order] = TOP + (BOTTOM - TOP) * (np.arange(len(order)) + 0.5) / len(order)
        others = np.setdiff1d(np.arange(size), order)
        y[others] = TOP + (BOTTOM - TOP) * (np.arange(len(others)) + 0.5) / max(len(others), 1)
        return y

    def ends(self, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find the connections among some cells: which they are, (k,), their lines (k, 2, 2), and their layers (k,)."""
        layer = np.searchsorted(self.firsts, cells, side="right") - 1
        which, lines = [], []
        for k, (n_in, n_out) in enumerate(zip(self.wiring.sizes, self.wiring.sizes[1:])):
            (of_layer,) = np.nonzero(layer == k)
            row, col = np.divmod(cells[of_layer] - self.firsts[k], n_out)
            weights = row < n_in  # not the biases
            which.append(of_layer[weights])
            lines.append(np.stack([self.places[k][row[weights]], self.places[k + 1][col[weights]]], axis=1))
        which = np.concatenate(which)
        return which, np.concatenate(lines), layer[which]

    def empty(self) -> matplotlib.axes.Axes:
        """Begin a frame: the paper, the place of the image, the digits."""
        figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor=PAPER)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(HEIGHT, 0)
        axes.axis("off")
        left, top, side = PAD
        axes.add_patch(matplotlib.patches.Rectangle((left, top), side, side, facecolor="#0c0d10", edgecolor=LINE))
        for digit, (x, y) in enumerate(self.places[-1]):
            axes.text(x + 14, y, str(digit), color=INK, fontsize=13, va="center")
        return axes

    def timeline(self, frame: int, axes: matplotlib.axes.Axes) -> None:
        """Draw how many connections are open, on a log scale, up to a frame bright and the rest dim."""
        low, high, left, right = HEIGHT - 16, HEIGHT - 50, 24, WIDTH - 24
        x = left + (right - left) * np.arange(len(self.wiring.epoch)) / (len(self.wiring.epoch) - 1)
        share = np.log(self.wiring.open / self.wiring.open.min()) / np.log(
            self.wiring.open.max() / self.wiring.open.min()
        )
        y = low - (low - high) * share
        axes.fill_between(x, y, low + 4, color=LINE, linewidth=0)
        axes.fill_between(x[: frame + 1], y[: frame + 1], low + 4, color=FOR, alpha=0.55, linewidth=0)
        axes.plot(x[frame], y[frame], "o", color=INK, markersize=6)
        what = f"parameters in {self.wiring.epoch[-1]} epochs, log scale"
        axes.text(right, high - 4, what, color=SOFT, fontsize=10, ha="right", va="center")


def picture(axes: matplotlib.axes.Axes) -> Image.Image:
    """Turn a frame into pixels."""
    canvas = FigureCanvasAgg(axes.figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def heading(axes: matplotlib.axes.Axes, count: int, score: str, says: str, small: str = "") -> None:
    """Write the number of parameters, the accuracy, and a sentence."""
    number = axes.text(24, 50, f"{count:,}", color=INK, fontsize=25, fontweight="bold", va="baseline")
    end = number.get_window_extent(FigureCanvasAgg(axes.figure).get_renderer()).x1
    axes.text(end + 10, 50, "parameters" + small, color=SOFT, fontsize=13, va="baseline")
    axes.text(WIDTH - 24, 50, score, color=INK, fontsize=16, va="baseline", ha="right")
    axes.text(24, 390, says, color=INK, fontsize=14, va="center")


def units(lines: np.ndarray, axes: matplotlib.axes.Axes, mark: str = SOFT) -> None:
    """Draw a dot at each unit where a line ends, and mark the pixels where one begins in the colour `mark`."""
    ends = np.unique(lines.reshape(-1, 2).round(3), axis=0)
    is_pixel = ends[:, 0] < LEVELS[0] - 1
    axes.scatter(*ends[is_pixel].T, s=5, marker="s", color=mark, linewidths=0, zorder=3)
    axes.scatter(
        *ends[~is_pixel].T, s=14 if len(ends) < 500 else 5, color=PAPER, edgecolors=INK, linewidths=0.8, zorder=3
    )


# ---- The training ------------------------------------------------------------------------------------------------


def pruning(stage: Stage) -> Iterator[Moment]:
    """Make the frames of the training."""
    wiring = stage.wiring
    names = np.array(wiring.phases)[wiring.phase]
    total = sum((n_in + 1) * n_out for n_in, n_out in zip(wiring.sizes, wiring.sizes[1:]))
    first = int(np.argmax(wiring.stored))
    known = wiring.cell[wiring.level[:, first] != 0]
    others = np.setdiff1d(np.random.default_rng(0).choice(total, 2 * SAMPLE, replace=False), known)
    order = np.concatenate([known, np.random.default_rng(1).permutation(others)])  # so that the sample leads into it
    before = known
    for frame in chosen_frames(wiring):
        count, axes = int(wiring.open[frame]), stage.empty()
        if wiring.stored[frame]:
            cells = wiring.cell[wiring.level[:, frame] != 0]
            wires(stage, frame, cells, np.isin(cells, before) | (names[frame] != "rewire"), axes)
            before, small = cells, ""
        else:
            drawn = order[: int(SAMPLE * (count / total) ** 0.4)]
            _, lines, _ = stage.ends(drawn)
            axes.add_collection(LineCollection(lines, colors=WIRE, linewidths=0.4, alpha=0.35))
            units(lines, axes)
            small = "   (a sample is drawn)"
        heading(axes, count, f"{wiring.accuracy[frame]:.1%} right", SAYS.get(names[frame], names[frame]), small)
        stage.timeline(frame, axes)
        yield picture(axes), 1300 if frame == 0 else 260 if not wiring.stored[frame] else 140


def chosen_frames(wiring: Wiring) -> list[int]:
    """Choose frames: one of the whole network, all that are only counted, and of the others so many as fit in 2 MB."""
    step = {"search": 2, "rewire": 3, "finetune": 10}
    names = [wiring.phases[phase] for phase in wiring.phase]
    of_phase = {name: [k for k, other in enumerate(names) if other == name] for name in wiring.phases}
    chosen = [frames[:: step[name]] if name in step else frames[-1:] for name, frames in of_phase.items()]
    counted = [k for k in of_phase["search"] if not wiring.stored[k]]
    return sorted({k for frames in [*chosen, counted] for k in frames} | {len(names) - 1})


def wires(stage: Stage, frame: int, cells: np.ndarray, old: np.ndarray, axes: matplotlib.axes.Axes) -> None:
    """Draw the connections of a frame in the colour of their signs, new ones white."""
    wiring = stage.wiring
    which, lines, _ = stage.ends(cells)
    level = wiring.level[np.searchsorted(wiring.cell, cells[which]), frame].astype(float) / 127
    crowd = min(1.0, (600 / len(cells)) ** 0.5)
    colours = np.where(old[which], np.where(level > 0, FOR, AGAINST), INK)
    widths = crowd * np.where(old[which], 0.5 + 1.7 * np.abs(level), 1.5)
    axes.add_collection(LineCollection(lines, colors=colours, linewidths=widths, alpha=0.35 + 0.45 * crowd))
    units(lines, axes)


# ---- The drawing -------------------------------------------------------------------------------------------------


def drawing(stage: Stage, network: SparseNetwork) -> Iterator[Moment]:
    """Draw a digit, and show what the finished network makes of it; the last frame is seen longest."""
    lines = strokes.drawn(strokes.DIGITS[DIGIT][WAY], (DIGIT, WAY, HAND))
    points = [(s, p) for s, stroke in enumerate(lines) for p in range(1, len(stroke) + 1)]
    stops = [points[k] for k in np.linspace(0, len(points) - 1, 15).astype(int)]
    for s, p in stops:
        image, pen = so_far(lines, s, p)
        says = "Now draw a digit …"
        yield picture(answer(stage, network, image, pen, says)), 130
    image, _ = so_far(lines, len(lines) - 1, len(lines[-1]))
    yield picture(answer(stage, network, image, None, "… and the paths that read it light up.")), 3200


def so_far(lines: Sequence[Sequence], s: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the strokes up to point p of stroke s, where the whole drawing will be: (image (784,), pen (2,))."""
    every = np.array([point for stroke in lines for point in stroke])
    low, high = every.min(axis=0), every.max(axis=0)
    scale = (20 - 2.4 - 1) / (high - low).max()
    place = lambda point: (point - (low + high) / 2) * scale + 14  # noqa: E731
    shift = 14.5 - strokes.centre_of_mass(strokes.ink(lines, place, 2.4))
    begun = [*lines[:s], lines[s][:p]]
    image = strokes.ink(begun, lambda point: place(point) + shift, 2.4)
    left, top, side = PAD
    pen = (place(np.array(lines[s][p - 1])) + shift) * side / 28 + (left, top)
    return np.rint(image * 255).astype(np.uint8).ravel(), pen


def answer(
    stage: Stage, network: SparseNetwork, image: np.ndarray, pen: np.ndarray | None, says: str
) -> matplotlib.axes.Axes:
    """Make a frame of the drawing: the image, the paths to the winner by what they bring, all probabilities."""
    axes = stage.empty()
    left, top, side = PAD
    edges = np.linspace(0, side, 29)
    axes.pcolormesh(left + edges, top + edges, image.reshape(28, 28), cmap="gray", vmin=0, vmax=300, zorder=1.5)
    parts = reading.contributions(network, image)
    winner = int(parts.scores.argmax())
    share = np.exp(parts.scores - parts.scores.max())
    share /= share.sum()
    brings: dict[tuple[int, int, int], float] = {}
    for path, value in zip(parts.paths.tolist(), parts.value.tolist()):
        if path[-1] == winner:
            for k, edge in enumerate(zip(path, path[1:])):
                place = (k, *edge)
                brings[place] = brings.get(place, 0) + value
    largest = max(map(abs, brings.values()), default=1) or 1
    dim = [(stage.places[k][i], stage.places[k + 1][j]) for k, layer in enumerate(network.layers)
           for i, j in zip(layer.row.tolist(), layer.col.tolist())]  # fmt: skip
    axes.add_collection(LineCollection(dim, colors=WIRE, linewidths=0.5, alpha=0.22))
    for (k, i, j), value in sorted(brings.items(), key=lambda item: abs(item[1])):
        strength = (abs(value) / largest) ** 0.6
        x, y = zip(stage.places[k][i], stage.places[k + 1][j])
        axes.plot(x, y, color=FOR if value > 0 else AGAINST, linewidth=0.5 + 4 * strength, alpha=0.1 + 0.9 * strength)
    units(np.array(dim), axes, LINE)
    for digit, (x, y) in enumerate(stage.places[-1]):
        won = digit == winner
        axes.add_patch(matplotlib.patches.Rectangle((x + 30, y - 6), 52 * share[digit], 12, color=INK if won else SOFT))
        if won:
            axes.plot(x + 18, y, "o", color=FOR, markersize=22, zorder=2, alpha=0.45)
    if pen is not None:
        axes.plot(
            [pen[0], pen[0] + 17], [pen[1], pen[1] - 30], color=FOR, linewidth=6, solid_capstyle="round", zorder=6
        )
        axes.plot(*pen, "o", color=INK, markersize=5, zorder=7)
    heading(axes, network.count(), f"reads a {winner}: {share[winner]:.0%}", says)
    stage.timeline(len(stage.wiring.epoch) - 1, axes)
    return axes


def main() -> None:
    """Write both pictures."""
    run = Path(sys.argv[1])
    network, wiring = SparseNetwork.load(run / "model.npz"), Wiring.load(run / "wiring.npz")
    stage = Stage(network, wiring)
    moments = [*pruning(stage), *drawing(stage, network)]
    images, durations = zip(*moments)
    buffer = io.BytesIO()
    images[0].save(buffer, "webp", save_all=True, append_images=images[1:], duration=list(durations), loop=0,
                   quality=QUALITY, method=4, minimize_size=False)  # fmt: skip
    (HERE / "prune.webp").write_bytes(buffer.getvalue())
    images[-1].save(HERE / "prune.png", optimize=True)
    print(f"{len(images)} frames, {sum(durations) / 1000:.1f} s, {len(buffer.getvalue()):,} bytes")


QUALITY = 50  # of a frame, of 100

if __name__ == "__main__":
    main()
