"""Fit a small network to a table: settings that suit its size, candidates, and the choice between them.

Candidates are a linear model, small networks carved from dense ones, and the network of a method of pruning, polished.
Each is judged on samples that it was not fitted to, and the best is fitted again to all. Lesson 14 shows what comes
of it. Read `newton.py` first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from tinygsp.data import Dataset
from tinygsp.sparse import SparseNetwork
from tinygsp.training.linear import DECAY, DECAYS, linear
from tinygsp.training.method import Method
from tinygsp.training.newton import Small, drop, swap, train
from tinygsp.training.problem import BY_TASK, Problem, by_target, joined, problem_of, thinned, to_network
from tinygsp.training.settings import Settings, SettingsError
from tinygsp.training.surgeon import CLEAR_LINEAR, MAX_DENSE, MAX_POLISHED, carve, polish, spare, work
from tinygsp.training.trainer import Trainer, make_meta

SHARES = (1.0, 0.7, 0.5)  # of the budget: fewer parameters are kept where more do not help
CHEAP = 1e8  # multiplications for the second derivatives of a pruned network
BEHIND = 3.0  # standard errors by which a kind of network is behind the linear model when it is stopped
PATIENCE = 10  # epochs without a better network after which the last phase of a method is ended
Folds = list[tuple[np.ndarray, np.ndarray]]  # of (samples to fit, samples to judge by)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A way to fit a table, and how well it did on samples that it was not fitted to.

    kind   : str      how its network is made
    share  : float    of the budget that it uses, at most
    decay  : float    of its weights
    losses : (n,)     of the samples to judge by, those of the first fold first
    score  : float    accuracy or R^2 on these samples
    start  : function from a Problem to the Small with the whole budget
    """

    kind: str
    share: float
    decay: float
    losses: np.ndarray
    score: float
    start: Callable[[Problem], Small]

    @property
    def loss(self) -> float:
        """The mean of the losses."""
        return float(self.losses.mean())

    def is_below(self, other: Candidate, clear: float = 1.0) -> bool:
        """Whether its losses are lower than those of another by more than `clear` standard errors of the difference."""
        gain = other.losses - self.losses
        return bool(gain.mean() > clear * gain.std() / np.sqrt(len(gain)))

    def record(self) -> dict:
        """What there is to say of it: kind, share, decay, loss and score, and by how many samples it was judged."""
        fields = {name: getattr(self, name) for name in ("kind", "share", "decay", "loss", "score")}
        return fields | {"samples": len(self.losses)}


@dataclass(frozen=True, eq=False)
class Fit:
    """What `fit_table` found: the network, how it was made, and the records of all candidates, the best first.

    score : float   of the chosen candidate on the samples it was judged by. It was not fitted to them when it was
                    judged, but the network may be, because it is fitted again
    """

    network: SparseNetwork
    kind: str
    score: float
    records: list[dict]


def table_budget(dataset: Dataset) -> int:
    """How many parameters suit a table: one for 15 training samples, a dozen at least for each score, at most 400."""
    scores = dataset.n_out - (dataset.task == "classification")
    return min(400, max(len(dataset.train_x) // 15, 12 * scores))


def table_settings(dataset: Dataset, budget: int | None = None, density: float | None = None) -> Settings:
    """Settings that suit the size of a table.

    budget, density : how many parameters to keep, or what share of all; of neither, `table_budget`
    """
    budget = table_budget(dataset) if budget is None else budget
    hidden = min(24, max(8, budget // 16))
    total = (dataset.n_in + 1) * hidden + (hidden + 1) * dataset.n_out
    least = (1 + dataset.n_out) / total
    share = max(least, budget / total) if density is None else density
    n = len(dataset.train_x)
    return Settings(
        density=min(1.0, share + 1e-9), hidden=(hidden,), epochs=min(150, max(20, 300_000 // n)),
        dense_epochs=min(20, max(3, 40_000 // n)), finetune_epochs=min(40, max(5, 80_000 // n)),
        batch_size=64 if n < 20_000 else 256, shift=0, steer="open", search_share=0.6, finetune_lr=1 / 3,
        lr=0.1 if dataset.task == "classification" else 0.05, loss=BY_TASK[dataset.task], scale_target=True,
        one_score=True, keep_best=True,
    )  # fmt: skip


def fit_table(
    dataset: Dataset,
    budget: int,
    method: Method | None = None,
    *,
    settings: Settings | None = None,
    fallback: Method | None = None,
    network: SparseNetwork | None = None,
    weights: np.ndarray | None = None,
    seed: int = 0,
    whole: bool = True,
    tick: Callable[[], object] = lambda: None,
) -> Fit:
    """Fit a network of at most `budget` nonzero parameters to a table.

    Of a table of more than `problem.MAX_ROWS` rows, all that a method does uses all of them; second derivatives, and
    the choice between candidates, so many. What falls behind on samples to judge by is stopped early: see `compete`
    and `trained`.

    method   : trains the network that competes with the linear model; None carves it from dense ones by second
               derivatives, and where those are too large for that takes `fallback`
    settings : of the method; `hidden` and `loss` count for all. None: `table_settings`
    network  : trained already on the training split, to compete as well
    weights  : of the training samples, then of the validation samples; or None
    seed     : int
    whole    : whether candidates may be judged on samples of both splits, by turns, and the result is fitted to both;
               else they are judged on the validation split and fitted to the training split alone
    tick     : is called when a part of the work is done
    """
    least = dataset.n_out if dataset.task == "regression" else 1
    if budget < least:
        raise SettingsError(f"budget is {budget}: expected at least {least}, a bias for each output of a regression")
    settings = settings or table_settings(dataset, budget)
    small, small_weights = thinned(dataset, weights, seed)
    problem, n = problem_of(small, settings.loss, small_weights, whole=True), len(small.train_x)
    folds, own = make_folds(problem, seed), [(np.arange(n), np.arange(n, len(problem.x)))]
    first = cache(lambda part: linear(part, budget))
    starts = {"linear": lambda part: copied(first(part), part)}
    if is_cheap(problem, budget):
        starts["spare"] = lambda part: spare(copied(first(part), part), CLEAR_LINEAR)
    parameters = sum((a + 1) * b for a, b in pairs((dataset.n_in, *settings.hidden, dataset.n_out)))
    if settings.hidden and method is None and work(problem, parameters) <= MAX_DENSE:
        starts["carved"] = lambda part: carve(part, budget, settings.hidden, seed)
    elif network is None and settings.hidden and (method or fallback):
        network = trained(dataset, settings, method or fallback, seed, weights)
    if network is not None and work(problem, budget) <= MAX_POLISHED:
        starts["polished"] = lambda part: polish(part, network, budget)
    folds = folds if whole and network is None else own  # the network was trained on these, once
    candidates = compete(starts, [(problem.take(fitted), problem.take(held)) for fitted, held in folds], budget, tick)
    if network is not None and ("polished" not in starts or small is not dataset):
        candidates.append(as_it_is(network, small, problem.take(own[0][1])))
    best = choose(candidates)
    if best.kind != "trained":
        net = refit(best, problem if whole else problem.take(own[0][0]), budget)
        network = to_network(net, problem, make_meta(dataset, "silu"))
    candidates.sort(key=lambda c: (-len(c.losses), c.loss))
    return Fit(network, best.kind, best.score, [c.record() for c in candidates])


def as_it_is(network: SparseNetwork, dataset: Dataset, held: Problem) -> Candidate:
    """A network that was trained on more samples than second derivatives are taken of, or is too large for them."""
    z = (network.scores(dataset.val_x).astype(np.float64) - held.mean) / held.std
    return Candidate("trained", SHARES[0], 0.0, held.losses(z), held.score(z), None)


def pairs(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Each size with the next."""
    return list(zip(sizes, sizes[1:]))


def make_folds(problem: Problem, seed: int) -> Folds:
    """Deal the samples out to be judged by: each once of less than 1,000, a quarter of them of more.

    Each class is dealt out evenly, and so are the large and small targets of a regression.
    """
    n, order = len(problem.x), by_target(problem.target, seed)
    count = min(n, 5 if n < 300 else 3 if n < 1000 else 4)
    parts = [np.sort(order[i::count]) for i in range(count)]
    folds = [(np.setdiff1d(np.arange(n), part), part) for part in parts]
    return folds if n < 1000 else folds[:1]


def trained(
    dataset: Dataset, settings: Settings, method: Method, seed: int, weights: np.ndarray | None
) -> SparseNetwork:
    """The network that a method of pruning makes of the training split.

    Its last phase is ended early, once PATIENCE epochs in a row have brought nothing better on the validation split.
    """
    trainer = Trainer(dataset, settings, method, seed, None if weights is None else weights[: len(dataset.train_x)])
    last, best, waited = trainer.phases[-1], None, 0
    for _ in trainer.run():
        done = trainer.epoch - (trainer.total_epochs - last.epochs)  # of the last phase
        waited = waited + 1 if done > 0 and last.offers(done) and trainer.network is best else 0
        best = trainer.network
        if waited == PATIENCE:
            break
    return trainer.network


def copied(net: Small, problem: Problem) -> Small:
    """A network for this problem with the weights and the wiring of another."""
    return problem.small(net.W, net.is_open, net.decay)


def compete(
    starts: Mapping[str, Callable[[Problem], Small]],
    parts: Sequence[tuple[Problem, Problem]],
    budget: int,
    tick: Callable[[], object] = lambda: None,
) -> list[Candidate]:
    """The candidates of every kind, of every share of the budget and every decay.

    starts : of each kind how it is made, the linear model first
    parts  : pairs of the samples to fit and those to judge by

    A kind is stopped early, and not fitted to the parts that are left, when on the samples so far it is behind the
    linear model by more than BEHIND standard errors, each with the whole budget and its best decay. Its candidates
    have fewer losses then.
    """
    shares, decays = (SHARES, DECAYS) if is_cheap(parts[0][0], budget) else (SHARES[:1], DECAYS[1:3])
    outputs, found, running = {kind: {} for kind in starts}, {}, list(starts)
    for number, (fitted, held) in enumerate(parts, 1):
        judges = joined([held for _, held in parts[:number]])
        for kind in running:
            for key, z in outputs_by_decay(starts[kind](fitted), held.x, shares, decays, budget).items():
                outputs[kind][key] = np.concatenate([outputs[kind][key], z]) if key in outputs[kind] else z
            found[kind] = [
                Candidate(kind, *key, judges.losses(z), judges.score(z), starts[kind])
                for key, z in outputs[kind].items()
            ]
            tick()
        first, *others = [best_decays(found[kind])[kind, SHARES[0]] for kind in running]
        running = [first.kind] + [other.kind for other in others if not first.is_below(other, BEHIND)]
    return [c for kind in starts for c in found[kind]]


def best_decays(candidates: Iterable[Candidate]) -> dict[tuple[str, float], Candidate]:
    """Of each (kind, share) the candidate with the lowest loss."""
    best = {}
    for c in candidates:
        if (c.kind, c.share) not in best or c.loss < best[c.kind, c.share].loss:
            best[c.kind, c.share] = c
    return best


def outputs_by_decay(
    net: Small, x: np.ndarray, shares: Sequence[float], decays: Sequence[float], budget: int
) -> dict[tuple[float, float], np.ndarray]:
    """The outputs for other samples x of a network with each share of the budget and each decay."""
    outputs = {}
    for share in shares:
        shrink(net, share, budget)
        memory = net.memory()
        for decay in decays:  # each begins where the one before ended
            net.set_decay(decay)
            train(net, 5, 1e-3)
            outputs[share, decay] = net.outputs(x)
        net.recall(memory)
        net.set_decay(DECAY)
    return outputs


def shrink(net: Small, share: float, budget: int) -> None:
    """Drop the parameters above a share of the budget."""
    count = max(1, round(share * budget))
    if net.count() > count:
        drop(net, count, share=0.1 if net.count() > 40 else 0.01)
        swap(net, rounds=5)
        train(net, 10, 1e-5)


def choose(candidates: Sequence[Candidate]) -> Candidate:
    """The candidate with the lowest loss; of those that cannot be told apart, the linear one with the whole budget.

    First the kind is chosen at the whole budget, then the share of the budget. Something other than the first is taken
    where its losses are lower by more than the standard error of the difference. Of the linear models the first is the
    one whose inputs are all worth a place, if its loss is not above that of the other.
    """
    best = best_decays(c for c in candidates if len(c.losses) == len(candidates[0].losses))  # others were stopped
    whole = [c for c in best.values() if c.share == SHARES[0]]
    if len(whole) > 1 and whole[1].kind == "spare" and whole[1].loss <= whole[0].loss:
        whole[:2] = whole[1], whole[0]
    kind = lowest(whole).kind
    return lowest([c for c in best.values() if c.kind == kind])


def lowest(candidates: Sequence[Candidate]) -> Candidate:
    """The first candidate, or the lowest of those that are better by more than a standard error."""
    first, *others = candidates
    clear = [c for c in others if c.is_below(first)]
    return min(clear, key=lambda c: c.loss, default=first)


def refit(best: Candidate, problem: Problem, budget: int) -> Small:
    """Fit the chosen candidate again, to all samples."""
    net = best.start(problem)
    shrink(net, best.share, budget)
    net.set_decay(best.decay)
    if is_cheap(problem, budget):
        train(net, 20)
        swap(net, rounds=5)
    train(net, 20)
    return net


def is_cheap(problem: Problem, budget: int) -> bool:
    """Whether second derivatives take so little time that every share and decay can be tried."""
    return work(problem, budget) < CHEAP
