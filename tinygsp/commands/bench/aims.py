"""What the speed of the library was aimed at, and how far a benchmark got: a table in Markdown."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tinygsp.plots.speed import PEER, PRODUCTS, full_step


class Aim(NamedTuple):
    """One figure of a benchmark, and the bound that it should keep.

    reached : takes the results; raises KeyError, ValueError or StopIteration where they lack what it needs
    """

    what: str
    least: bool  # whether the figure should be at least the bound, or at most
    bound: float
    unit: str
    reached: Callable[[dict], float]

    def row(self, results: dict) -> str:
        """A row of the table."""
        try:
            value = self.reached(results)
            is_kept = value >= self.bound if self.least else value <= self.bound
            reached = f"{'' if is_kept else '**missed**: '}{value:.3g} {self.unit}"
        except (KeyError, ValueError, StopIteration):
            reached = "not compared"
        return f"| {self.what} | at {'least' if self.least else 'most'} {self.bound:.3g} {self.unit} | {reached} |"


def by_products(name: str = "") -> Callable[[dict], float]:
    """The time of a step, by default that with every connection live, over that of its matrix products alone."""

    def reached(results: dict) -> float:
        steps = results["steps"]
        return steps[name or full_step(steps)] / steps[PRODUCTS]

    return reached


def by_run(choose: Callable) -> Callable[[dict], float]:
    """How many times longer than the mean step of the run one of PyTorch takes: max or min of its versions."""

    def reached(results: dict) -> float:
        mean = 1e3 * results["run"]["seconds"] / results["run"]["steps"]
        return choose(ms for name, ms in results["steps"].items() if name.startswith(PEER)) / mean

    return reached


def by_peer(name: str) -> Callable[[dict], float]:
    """The images a second of this library over those of a peer."""

    def reached(results: dict) -> float:
        rates = results["inference"]["images a second"]
        return rates["pruned, tinygsp"] / rates[name]

    return reached


def growth(results: dict) -> float:
    """How much more the dense step grew than its products, from the smallest network to the largest."""
    first, *_, last = results["growth"].values()
    name = full_step(first)
    return last[name] / first[name] / (last[PRODUCTS] / first[PRODUCTS])


AIMS = (
    Aim("step with every connection live", False, 1.15, "x its products", by_products()),
    Aim("step at 5,000 live connections", False, 0.15, "x products", by_products("5,000 live")),
    Aim("step at 400 live connections", False, 0.04, "x products", by_products("400 live")),
    Aim("mean step of the run, against the published recipe in PyTorch", True, 100, "x faster", by_run(max)),
    Aim("the same against the fastest in PyTorch", True, 10, "x faster", by_run(min)),
    Aim("inference against copying the same bytes", True, 1 / 3, "x its speed", by_peer("copying the same bytes")),
    Aim("inference against PyTorch, dense", True, 100, "x faster", by_peer("dense, PyTorch")),
    Aim("inference against SciPy CSR, from the same pixels", True, 3, "x faster", by_peer("pruned, SciPy CSR")),
    Aim("inference without numba", False, 3, "x its time with numba", by_peer("pruned, tinygsp without numba")),
    Aim("`model.npz`", False, 10, "KB", lambda results: results["run"]["model_bytes"] / 1000),
    Aim("that step in the widest network, as it grew beside its products", False, 1, "x", growth),
)


def aims_table(results: dict) -> str:
    """The table, in Markdown."""
    return "\n".join(["| | aim | reached |", "|---|---|---|", *(aim.row(results) for aim in AIMS)])
