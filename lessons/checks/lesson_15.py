"""Checks of lesson 15, write the trainer: random images and settings, and the library's trainer beside yours."""

from dataclasses import replace
from itertools import count, islice

import numpy as np
from exercise import checker, same

from tinygsp import data, methods
from tinygsp.nn.optim import cosine
from tinygsp.training import Settings, Trainer

PHASES = ("dense", "search", "rewire", "finetune")
turns = count()  # phases, their epochs, and the parts of a schedule take turns, so that each is tried


def where_and_what_next(position, rng, batches):
    where_it_stands(position, rng)
    the_order_of_samples(batches, rng)


def where_it_stands(position, rng):
    lengths = [int(n) for n in rng.integers(0, 5, int(rng.integers(2, 6)))]
    lengths[-1] += 1
    epoch = int(rng.integers(0, sum(lengths)))
    ends = np.cumsum(lengths)

    def found(side):
        k = int(np.searchsorted(ends, epoch, side))
        return k, epoch - int(ends[k] - lengths[k])

    k, done = found("right")
    slips = {
        "how many epochs of its own are done: take off those of the phases before it": (k, epoch),
        "when all epochs of a phase are done, the next one belongs to the phase after it": found("left"),
        "phases are counted from 0": (k + 1, done),
        "this counts the epoch that comes next as done": (k, done + 1),
    }
    given = f"lengths {lengths}, epoch {epoch}"
    same(position(list(lengths), epoch), (k, done), ("the phase", "its epochs done"), given, slips)


def pieces(order, size, done=0):
    return [np.sort(order[i : i + size]) for i in range(done * size, len(order), size)]


def the_order_of_samples(batches, rng):
    n, size, seed, epoch = (int(k) for k in rng.integers([10, 3, 0, 0], [40, 9, 99, 50]))
    done = int(rng.integers(0, 2))
    order = np.random.default_rng((seed, epoch)).permutation(n)
    right = pieces(order, size, done)
    yours = batches(n, size, seed, epoch, done)
    wanted, given = [len(samples) for samples in right], f"n = {n}, size {size}, {done} done"
    assert isinstance(yours, list), f"the batches should be a list, yours are a {type(yours).__name__}"
    assert [len(samples) for samples in yours] == wanted, (
        f"the batches for {given} have the sizes {[len(samples) for samples in yours]}, expected {wanted}"
    )
    unsorted = [order[i : i + size] for i in range(done * size, n, size)]
    slips = {
        "each batch should be sorted": np.concatenate(unsorted),
        "the samples are not in a random order": np.arange(n)[done * size :],
        "the generator is made of the seed and the epoch: this is the seed alone": np.concatenate(
            pieces(np.random.default_rng(seed).permutation(n), size, done)
        ),
        "the generator is made of the seed and the epoch, in this order": np.concatenate(
            pieces(np.random.default_rng((epoch, seed)).permutation(n), size, done)
        ),
    }
    if done == 0:
        slips["sorted as a whole: shuffle first, then sort each batch"] = np.sort(order)
    same(np.concatenate(yours), np.concatenate(right), "the samples, batch by batch,", given, slips)


def the_schedules(rates, rng, search_at):
    turn = next(turns) % 4
    how_fast(rates, rng, turn)
    down_to_the_budget(search_at, rng, turn)


def fallen(start, end, r):
    return cosine(start, end * start, r)


def how_fast(rates, rng, turn):
    phase, r = PHASES[turn], float(rng.choice([0.05, 0.55]) + rng.uniform(0, 0.4))
    s = Settings(
        lr=rng.uniform(0.01, 1), gate_lr=rng.uniform(1, 9), lr_end=rng.uniform(0.05, 0.5), finetune_lr=rng.uniform(2, 3)
    )
    is_last, end = phase == "finetune", s.lr_end if phase == "search" else 0.0
    share, p = s.finetune_lr if is_last else 1.0, 2 * r % 1 if is_last else r
    slips = {
        "the rates do not change with r": (s.lr, s.gate_lr),
        "the search ends at lr_end times the first rate, the other phases at 0": (
            fallen(share * s.lr, s.lr_end - end, p),
            fallen(s.gate_lr, s.lr_end - end, p),
        ),
        "they fall twice in fine-tuning, once in each half": (fallen(share * s.lr, end, r), fallen(s.gate_lr, end, r)),
        "fine-tuning starts from finetune_lr times lr": (fallen(s.lr, end, p), fallen(s.gate_lr, end, p)),
        "lr_end is a share: multiply it by the first rate": (
            cosine(s.lr, end, p),
            cosine(s.gate_lr, end, p),
        ),
        "finetune_lr is for the weights alone": (fallen(share * s.lr, end, p), fallen(share * s.gate_lr, end, p)),
    }
    yours = rates(s, phase, r)
    assert isinstance(yours, dict) and set(yours) == {"W", "gate"}, "return a dict with the keys W and gate"
    right = (fallen(share * s.lr, end, p), fallen(s.gate_lr, end, p))
    names = "the rate of W", "the rate of the gates"
    same((yours["W"], yours["gate"]), right, names, f"{phase}, r = {r:.2f}", slips)


def down_to_the_budget(search_at, rng, turn):
    s = Settings(
        noise_end=rng.uniform(0.3, 0.7), budget_at=rng.uniform(0.3, 0.7), count_power=rng.uniform(0.2, 1.5),
        retire_below=-rng.uniform(1, 4), density=rng.uniform(0.01, 0.1), retire_density=rng.uniform(0.02, 0.5),
    )  # fmt: skip
    total, budget = int(rng.integers(1000, 9000)), int(rng.integers(20, 200))
    r = float(turn + rng.random()) / 4
    noise, q, least = max(0.0, 1 - r / s.noise_end), min(1.0, r / s.budget_at), s.density / s.retire_density

    def target(q):
        return np.exp((1 - q) * np.log(total) + q * np.log(budget))

    goal, line = target(q**s.count_power), s.retire_below * min(1.0, max(noise, least))
    slips = {
        "the noise does not fall below 0": (1 - r / s.noise_end, goal, line),
        "the noise falls to 0 at noise_end, not at the end": (1 - r, goal, line),
        "the target stays at the budget from budget_at on": (noise, target((r / s.budget_at) ** s.count_power), line),
        "the power is missing in the target": (noise, target(q), line),
        "the target falls in its logarithm": (
            noise,
            (1 - q**s.count_power) * total + q**s.count_power * budget,
            line,
        ),
        "the noise counts as at least density / retire_density": (noise, goal, s.retire_below * noise),
        "the share, density / retire_density, counts as no more than 1": (
            noise,
            goal,
            s.retire_below * max(noise, least),
        ),
    }
    names = "the noise", "the target", "the line"
    same(search_at(s, total, budget, r), (noise, goal, line), names, f"r = {r:.2f}", slips)


# --- with the library's trainer beside yours ---


def images(rng):
    """A Dataset of 6 x 6 images: a random pattern for each of 3 or 4 classes, and noise."""
    k, n = int(rng.integers(3, 5)), int(rng.integers(90, 140))
    patterns = rng.random((k, 6, 6)) < 0.4
    labels = np.append(np.arange(k), rng.integers(0, k, n - k))
    x = np.clip(patterns[labels] * 160 + rng.normal(40, 40, (n, 6, 6)), 0, 255).astype(np.uint8)
    return data.from_arrays(x[:-30], labels[:-30], validation=(x[-30:], labels[-30:] % k))


def short(rng):
    """Settings of a run of a second's fraction."""
    return Settings(
        density=rng.uniform(0.12, 0.25), retire_density=0.5, hidden=(8, 6), batch_size=int(rng.integers(16, 40)),
        dense_epochs=int(rng.integers(1, 4)), epochs=2 * int(rng.integers(3, 7)), finetune_epochs=4,
        gate_lr=rng.uniform(3, 12), finetune_lr=rng.uniform(0.3, 1), price_start=1e-4, shift=1,
    )  # fmt: skip


def library_run(rng):
    """A Trainer on random images, one step into an epoch; the phases and their epochs take turns."""
    settings, seed, turn = short(rng), int(rng.integers(0, 1000)), next(turns)
    trainer = Trainer(images(rng), settings, methods.find("gates"), seed)
    lengths = [phase.epochs for phase in trainer.phases]
    k = turn % 4
    for _ in range(sum(lengths[:k]) + turn // 4 % lengths[k]):
        trainer.train_epoch()
    take_steps(trainer, 1)
    return trainer


def take_steps(trainer, number):
    """So many steps of the epoch that is under way."""
    for _ in islice(trainer.steps(), number):
        pass


def same_place(Run, trainer):
    """A Run that stands where the trainer does."""
    run = Run(trainer.dataset, trainer.settings, trainer.seed)
    run.net.restore(trainer.net.state())
    run.epoch, run.batch, run.step = trainer.epoch, trainer.batch, trainer.step
    run.price.price = trainer.position()[0].price or run.price.price
    return run


def differences(net, other):
    """What of a network differs from another: "" or words."""
    if [layer.params["W"].shape for layer in net.layers] != [layer.params["W"].shape for layer in other.layers]:
        return "the layers have other shapes"
    for name, words in (("W", "the weights"), ("gate", "the gates")):
        pairs = [(a.params[name], b.params[name]) for a, b in zip(net.layers, other.layers)]
        if not all(np.array_equal(a, b) for a, b in pairs):
            with np.errstate(invalid="ignore"):
                gap = max(np.nanmax(np.abs(a - b), initial=0) for a, b in pairs)
            return f"{words} differ, by up to {gap:.3g}"
    return ""


def one_step(train_step, rng, Run):
    trainer = library_run(rng)
    phase, done = trainer.position()
    run, batch = same_place(Run, trainer), int(rng.integers(0, trainer.steps_per_epoch))
    r = (done + batch / trainer.steps_per_epoch) / phase.epochs
    samples = np.sort(rng.choice(len(trainer.dataset.train_x), 20, replace=False))
    before, step = differences(run.net, trainer.net), run.step
    assert not before, before
    momentum = {k: v for k, v in run.net.state().items() if "velocity" in k}
    loss = trainer.train_step(phase, r, samples)
    yours, given = train_step(run, phase.name, r, samples), f"{phase.name}, r = {r:.2f}"
    assert yours is not None, f"the loss for {given} is None: is a `return` missing?"
    assert abs(yours - loss) <= 1e-9, (
        f"the loss for {given} is {yours:.6f}, expected {loss:.6f}: other inputs (do they move?), other noise or step?"
    )
    wrong = differences(run.net, trainer.net)
    if wrong and all(np.array_equal(run.net.state()[name], old) for name, old in momentum.items()) and momentum:
        wrong = "the optimizer took no step"
    hint = {
        "the gates": "the price: after backward, in the search alone, with the count of the gates drawn in this step",
        "the weights": "the rates, or what is overwritten by what",
    }
    more = next((text for name, text in hint.items() if wrong.startswith(name)), "")
    assert not wrong, f"after a step of {given}: {wrong}" + (f" (look at {more})" if more else "")
    if phase.name == "search":
        same(run.price.price, phase.price, "the price", given, {"charge was not asked": run.s.price_start})
    assert run.step == step + 1, "right, but the step is not counted: run.step += 1"


def end_of_an_epoch(end_epoch, rng, Run):
    trainer = library_run(rng)
    phase, done = trainer.position()
    take_steps(trainer, trainer.steps_per_epoch - 1 - trainer.batch)
    for layer in trainer.net.layers if phase.name == "search" else ():  # so that there is something to close
        layer.params["gate"][rng.random(layer.params["gate"].shape) < 0.2] = -10
    run, r = same_place(Run, trainer), (done + 0.9) / phase.epochs
    offered, offer, events, score = [], run.result.offer, [], run.goal.score
    run.result.offer = lambda network, accuracy: (offered.append(accuracy), offer(network, accuracy))
    run.goal.score = lambda outputs: (events.append(run.net.state()), score(outputs))[1]
    last, _ = trainer.position()
    record = trainer.end_epoch(last, r, done + 1)
    momentum = {k: v for k, v in run.net.state().items() if "velocity" in k}
    yours, given = end_epoch(run, phase.name, r, done + 1), f"{phase.name}, epoch {done + 1} of {phase.epochs}"
    same(
        -1.0 if yours is None else yours, record["val_accuracy"], "the accuracy", given,
        {"no accuracy was returned": -1.0},
    )  # fmt: skip
    is_due = last.offers(done + 1)
    assert len(offered) == is_due, f"{len(offered)} networks were offered after {given}, expected {int(is_due)}"
    wrong = differences(run.net, trainer.net)
    assert not wrong, f"after {given}: {wrong} (closed below the line? connections changed places?)"
    seen = events[-1] if events else {}
    if phase.name == "search":
        names = [f"layer{k}_{name}" for k in range(3) for name in ("W", "gate")]
        assert all(np.array_equal(seen.get(name), run.net.state()[name]) for name in names), (
            f"{given}: validated before the gates were closed"
        )
    if phase.name == "rewire" and momentum:
        before = all(f"layer{k}_velocity_W" in seen for k in range(3))
        assert before and run.net.layers[0].Wm.any() == trainer.net.layers[0].Wm.any(), (
            f"{given}: validated after connections changed places"
        )
    assert (run.epoch, run.batch) == (trainer.epoch, 0), (
        f"run.epoch is {run.epoch} and run.batch {run.batch}, expected {trainer.epoch} and 0: the epoch is over"
    )


def the_whole_loop(train, rng, Run):
    settings, seed, dataset = short(rng), int(rng.integers(0, 1000)), images(rng)
    if rng.random() < 0.3:
        settings = replace(settings, shift=1, rewire_moved=True)
    trainer = Trainer(dataset, settings, methods.find("gates"), seed)
    run = Run(dataset, settings, seed)
    network = train(run)
    assert network is not None, "no network was returned: is a `return` missing, or was none offered?"
    for _ in trainer.run():
        pass
    assert run.epoch == trainer.total_epochs, f"{run.epoch} epochs were trained, expected {trainer.total_epochs}"
    assert run.step == trainer.step, f"{run.step} steps were taken, expected {trainer.step}"
    assert network.count() <= trainer.budget, f"{network.count()} parameters, the budget is {trainer.budget}"
    assert network.to_bytes() == trainer.network.to_bytes(), (
        f"a network of {network.count()} parameters within the budget, but not the library's: it has other bytes. Is "
        "every phase begun, and only in its first epoch? Is r that of the phase?"
    )


check = checker(
    where_and_what_next,
    the_schedules,
    one_step,
    end_of_an_epoch,
    the_whole_loop,
)
