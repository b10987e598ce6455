"""The training loop: one loop for all phases of all methods.

A step is sample -> forward -> loss -> backward -> penalty -> update; `Trainer.train_step` shows it in the open. What
differs between a search and a fine-tuning is answered by the phase, `phase.py`; what differs between methods is which
phases they have, `method.py`. Every choice is made on the training and validation splits. Lesson 08 builds the step,
lesson 15 the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from tinygsp.data import Dataset, minibatches
from tinygsp.sparse import Meta, SparseNetwork
from tinygsp.training.inputs import Feed
from tinygsp.training.method import Method, MethodError
from tinygsp.training.net import Net, add_decay
from tinygsp.training.phase import Phase
from tinygsp.training.result import Result
from tinygsp.training.settings import Settings, make_plan
from tinygsp.training.state import check_names, check_results, take_counters
from tinygsp.training.targets import Goal
from tinygsp.training.wiring import freeze

COUNTERS = ("epoch", "batch", "step", "total_loss")  # of a Trainer's state
OVERFLOWS = np.errstate(over="ignore", invalid="ignore")  # numbers that grow without end are found by the loss


class DivergedError(RuntimeError):
    """The loss is no longer a finite number."""


class Trainer:
    """Trains and prunes a network on a data set, phase by phase.

    `run` yields a record (dict) after every epoch; afterwards `network` is the SparseNetwork, with at most `budget`
    nonzero parameters. Between any two steps `state` returns all that the next step depends on, and another Trainer of
    the same arguments that takes it with `restore` goes on bit for bit.

    dataset : data.Dataset;  settings : Settings;  method : Method;  seed : int, of weights, noise and order of batches
    weights : (n,) float >= 0   how much each training sample counts; None: all count the same
    Raises SettingsError where the settings cannot work with the data set.
    """

    def __init__(
        self, dataset: Dataset, settings: Settings, method: Method, seed: int = 0, weights: np.ndarray | None = None
    ):
        self.dataset, self.method, self.seed = dataset, method, seed
        self.settings = s = replace(settings, **method.fixed)
        self.plan = make_plan(dataset, s)
        self.phases = [phase for phase in method.phases(self.plan) if phase.epochs > 0]
        self.total, self.budget = self.plan.total, self.plan.budget + self.plan.reserve
        self.total_epochs = sum(phase.epochs for phase in self.phases)
        self.steps_per_epoch = math.ceil(len(dataset.train_x) / s.batch_size)
        meta = make_meta(dataset, s.activation)
        self.net, self.result = Net(self.plan, meta, seed, method.layers), Result(self.plan.sizes, meta)
        self.feed = Feed(dataset, s.shift, seed)
        self.goal = Goal(dataset, s, weights)
        self.epoch = self.batch = 0  # those done: over all phases, and of the epoch that comes next or is under way
        self.step, self.total_loss = 0, 0.0  # the loss is that of the samples of the epoch so far

    # --- the loop ---

    def run(self) -> Iterator[dict]:
        """Train to the end; yields the record of each epoch."""
        while self.epoch < self.total_epochs:
            yield self.train_epoch()

    def train_epoch(self) -> dict:
        """Train to the end of the epoch, which is a pass over the training split. Returns its record."""
        return list(self.steps())[-1]

    def steps(self) -> Iterator[dict | None]:
        """Train to the end of the epoch from wherever it stands; yields None after every step but the last.

        After the last step the epoch is ended (`end_epoch`), and its record is yielded.
        """
        phase, done = self.position()
        if self.batch == 0:
            self.total_loss = 0.0
            if done == 0:
                self.begin(phase)
        rng = np.random.default_rng((self.seed, self.epoch))
        batches = minibatches(len(self.dataset.train_x), self.settings.batch_size, rng)
        for samples in islice(batches, self.batch, None):
            r = (done + self.batch / self.steps_per_epoch) / phase.epochs
            self.total_loss += self.train_step(phase, r, np.sort(samples)) * len(samples)  # sorted: read in order
            self.batch += 1
            if self.batch < self.steps_per_epoch:
                yield None
        yield self.end_epoch(phase, r, done + 1)

    @OVERFLOWS
    def begin(self, phase: Phase) -> None:
        """Set up the network for the first step of a phase; no momentum is left from the phase before."""
        phase.start(self)
        self.net.new_optimizer()

    @OVERFLOWS
    def train_step(self, phase: Phase, r: float, samples: np.ndarray) -> float:
        """One step: sample -> forward -> loss -> backward -> penalty -> update. Returns the loss."""
        net, model = self.net, self.net.model
        x = self.feed.training(net, samples, self.step, phase.moves(r))  # (n, live inputs)

        model.sample(self.step, phase.noise(r))
        loss, dy = self.goal.loss(model.forward(x), samples)
        if not math.isfinite(loss):
            raise diverged(f"the loss became {loss} at step {self.step} ({phase.name})", x, self.goal.train_y[samples])
        model.backward(dy)
        if (charge := phase.charge(net, r)) is not None:
            model.penalty(charge)
        add_decay(net, self.settings.decay)
        net.optimizer.lr = phase.rates(r)
        net.optimizer.step(model)
        self.step += 1
        return loss

    @OVERFLOWS
    def end_epoch(self, phase: Phase, r: float, done: int) -> dict:
        """Do what the phase does after an epoch, and return the record of the epoch.

        The order matters: gates are closed before the network is validated, so that the accuracy is that of what is
        left; the wiring changes after it, so that the accuracy is that of weights that were trained.
        """
        phase.close_gates(self, r, done)
        self.epoch, self.batch = self.epoch + 1, 0
        record = make_record(self, phase, r)
        phase.change_wiring(self, done)
        if phase.offers(done):
            self.result.offer(finished_network(self), record["val_accuracy"])
        if self.epoch == self.total_epochs and self.network is None:
            raise MethodError(f"{self.method.name}: all phases are over, and none has offered a network")
        return record

    def freeze(self) -> None:
        """Keep the connections with the best scores, as many as fit the budget, for good."""
        freeze(self.net, self.method.scores(self), self.plan.budget)

    def validate(self) -> float:
        """Accuracy on the validation split, noise off; for a regression the mean R^2 of the outputs."""
        self.net.model.sample(self.step, noise=0.0)
        return self.goal.score(self.net.model.forward(self.feed.validation(self.net)))

    # --- where it stands, and how to go on from there ---

    @property
    def network(self) -> SparseNetwork | None:
        """The best SparseNetwork so far, None before the first."""
        return self.result.network

    def position(self) -> tuple[Phase, int]:
        """(phase, how many of its epochs are done) of the next epoch. Raises ValueError if all are done."""
        done = self.epoch
        for phase in self.phases:
            if done < phase.epochs:
                return phase, done
            done -= phase.epochs
        raise ValueError(f"all {self.total_epochs} epochs are done")

    @property
    def between_phases(self) -> bool:
        """Whether the next step, if there is one, is the first of a phase."""
        return self.epoch == self.total_epochs or (self.batch == 0 and self.position()[1] == 0)

    @property
    def parts(self) -> list:
        """What has a state of its own: the network, the result and the phase under way, if there is one."""
        return [self.net, self.result] + ([self.position()[0]] if self.epoch < self.total_epochs else [])

    def state(self) -> dict:
        """Everything the next step depends on, copied: {name: number or array}, of every part what it says itself."""
        state = {name: getattr(self, name) for name in COUNTERS}
        for part in self.parts:
            state |= check_names(part.state(), state)
        return state

    def restore(self, state: dict) -> None:
        """Go back to where `state()` was taken, by a Trainer of the same arguments. Raises StateError if it was not."""
        vars(self).update(take_counters(state, self))
        for part in self.parts:
            part.restore(state)
        check_results(self)


def diverged(what: str, x: np.ndarray, target: np.ndarray) -> DivergedError:
    """The error for a loss that is not finite, with what to do about it by the inputs and targets of the batch."""
    is_finite = np.isfinite(x).all() and np.isfinite(target).all()
    return DivergedError(f"{what}; {'try a smaller --lr' if is_finite else 'look for nan or inf in the data'}")


def finished_network(trainer: Trainer) -> SparseNetwork:
    """The network as it is, with outputs in the units of the data. Raises MethodError if it is above the budget."""
    network = trainer.goal.in_units(trainer.net.open_network())
    if network.count() > trainer.budget:
        count, allowed = f"{network.count():,}", f"{trainer.budget:,}"
        raise MethodError(f"{trainer.method.name}: {count} parameters are offered, {allowed} allowed")
    return network


def make_record(trainer: Trainer, phase: Phase, r: float) -> dict:
    """What there is to say of an epoch that has just ended; a row of metrics.csv."""
    count = trainer.net.count_open()
    record = {
        "epoch": trainer.epoch,
        "phase": phase.name,
        "loss": trainer.total_loss / len(trainer.dataset.train_x),
        "val_accuracy": trainer.validate(),
        "open_gates": count,
        "density": count / trainer.total,
        "price": phase.price,
        "noise": phase.noise(r),
    }
    return record | ({"histogram": trainer.net.gate_histogram()} if phase.watches_gates else {})


def make_meta(dataset: Dataset, activation: str) -> Meta:
    """What the finished network must know besides its numbers."""
    d = dataset
    return Meta(
        activation, d.task, d.divisor, d.mean, d.std, d.class_names, d.input_shape, d.name, d.input_names, d.bent,
        d.columns,
    )  # fmt: skip
