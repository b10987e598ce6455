"""Checks of lesson 15, write the trainer: random images and settings, and the library's trainer beside yours."""

from dataclasses import replace

import numpy as np
from exercise import checker, same

from checks.beside import differences, images, interrupted, library_run, same_place, short, take_steps, turns, watched
from tinygsp import methods
from tinygsp.nn.optim import cosine
from tinygsp.training import Settings, Trainer

PHASES = ("dense", "search", "rewire", "finetune")


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
        "the generator is made of the pair, (seed, epoch): this is one number, their sum": np.concatenate(
            pieces(np.random.default_rng(seed + epoch).permutation(n), size, done)
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


# --- one step ---


def one_step(train_step, rng, Run):
    trainer = library_run(rng)
    phase, done = trainer.position()
    run, batch = same_place(Run, trainer), int(rng.integers(0, trainer.steps_per_epoch))
    r = (done + batch / trainer.steps_per_epoch) / phase.epochs
    samples = np.sort(rng.choice(len(trainer.dataset.train_x), 20, replace=False))
    before, step, price = run.net.state(), run.step, run.price.price
    opened, drawn = run.net.count_open(), draws(run.net.model)
    loss = trainer.train_step(phase, r, samples)
    yours, given = train_step(run, phase.name, r, samples), f"{phase.name}, r = {r:.2f}"
    assert yours is not None, f"the loss for {given} is None: is a `return` missing?"
    if phase.name == "search" and drawn:
        the_draw(drawn[-1], step, phase.noise(r), given)
    assert abs(yours - loss) <= 1e-9, (
        f"the loss for {given} is {yours:.6f}, expected {loss:.6f}: other inputs (do they move?), other noise or step?"
    )
    the_price(run, phase, price, opened, r, given)
    wrong, momentum = differences(run.net.state(), trainer.net.state()), [k for k in before if "velocity" in k]
    if wrong and momentum and all(np.array_equal(run.net.state()[name], before[name]) for name in momentum):
        wrong = "the optimizer took no step"
    hint = {
        "the gates": "the price: after backward, in the search alone, with the count of the gates drawn in this step",
        "the weights": "the rates, or what is overwritten by what",
    }
    more = next((text for name, text in hint.items() if wrong.startswith(name)), "")
    assert not wrong, f"after a step of {given}: {wrong}" + (f" (look at {more})" if more else "")
    assert run.step == step + 1, "right, but the step is not counted: run.step += 1"


def draws(model):
    """A list that gets (step, noise) of each call of model.sample."""
    asked, sample = [], model.sample
    model.sample = lambda step, noise=1.0: (asked.append((step, noise)), sample(step, noise))[1]
    return asked


def the_draw(drawn, step, noise, given):
    """The gates were drawn with the number of the step, and the scale of the noise."""
    assert abs(drawn[1] - noise) <= 1e-9, (
        f"the scale of the noise for {given} is {drawn[1]:.6g}, expected {noise:.6g}: is it that of `search_at`?"
    )
    assert noise == 0 or drawn[0] == step, (
        f"the noise for {given} is that of step {drawn[0]}, and run.step was {step}: draw before the step is counted"
    )


def the_price(run, phase, before, opened, r, given):
    """The controller was asked once, with the count of the gates drawn, in the search alone."""
    if phase.name != "search":
        assert run.price.price == before, f"after a step of {given}: the price moved. Charge in the search alone"
        return
    of_open = before * (max(opened, 1) / phase.target(r)) ** run.s.price_rate
    slips = {"count the gates drawn in this step, not all that are open": of_open, "charge was not asked": before}
    same(run.price.price, phase.price, "the price", given, slips)


# --- the end of an epoch ---


def end_of_an_epoch(end_epoch, rng, Run):
    trainer = library_run(rng)
    phase, done = trainer.position()
    take_steps(trainer, trainer.steps_per_epoch - 1 - trainer.batch)
    r = (done + 0.9) / phase.epochs
    if phase.name == "search":
        lower_some(trainer.net, phase.retire_below(r), rng)
    run = same_place(Run, trainer)
    before, drawn, offered, offer = run.net.state(), [], [], run.result.offer
    run.result.offer = lambda network, accuracy: (offered.append(accuracy), offer(network, accuracy))
    right, seen, score = watched(trainer), watched(run), run.goal.score
    run.goal.score = lambda outputs: (drawn.append(is_drawn(run.net)), score(outputs))[1]
    record = trainer.end_epoch(phase, r, done + 1)
    given = f"{phase.name}, epoch {done + 1} of {phase.epochs}"
    try:
        yours = end_epoch(run, phase.name, r, done + 1)
    except ValueError as error:
        raise AssertionError(
            f"{given}: {error}. Is it an old model? `close` and `change_wiring` give run.net a new one"
        ) from error
    if seen:
        validated_in_time(phase.name, before, seen[-1], run.net.state(), right[-1], given)
        assert drawn[-1], f"{given}: draw the gates without noise before you validate: model.sample(run.step, 0.0)"
    slips = {"no accuracy was returned": -1.0}
    same(-1.0 if yours is None else yours, record["val_accuracy"], "the accuracy", given, slips)
    wanted = int(phase.offers(done + 1))
    assert len(offered) == wanted, (
        f"{len(offered)} networks were offered after {given}, expected {wanted}: at the end, and after length // 2"
    )
    wrong = differences(run.net.state(), trainer.net.state())
    assert not wrong, f"after {given}: {wrong} (closed below the line? connections changed places?)"
    assert (run.epoch, run.batch) == (trainer.epoch, 0), (
        f"run.epoch is {run.epoch} and run.batch {run.batch}, expected {trainer.epoch} and 0: the epoch is over"
    )


def lower_some(net, line, rng):
    """Put gates on both sides of the line, so that there is something to close: among it, all of one input."""
    for layer in net.layers:
        gate = layer.params["gate"]
        factor = rng.choice([0.0, 0.5, 2.0], gate.shape, p=(0.6, 0.2, 0.2))
        gate[factor > 0] = (factor * line)[factor > 0]
    row, _ = net.layers[0].connections()
    net.layers[0].params["gate"][row == rng.choice(net.units[0])] = 2 * line


def is_drawn(net):
    """Whether the layers compute with their weights of now, gates without noise."""
    return all(np.array_equal(layer.Wm, (layer.params["gate"] > 0) * layer.params["W"]) for layer in net.layers)


def validated_in_time(phase, before, seen, after, right, given):
    """Of four states: the network that was validated, `seen`, is the one that the library validates, `right`."""
    wrong = differences(seen, right)
    if phase == "search":
        assert differences(after, before), f"{given}: no gate was closed, though some are below the line"
        assert differences(seen, before), f"{given}: validated before the gates were closed"
        assert not wrong, f"{given}: other gates are closed than those below the line"
    assert phase != "rewire" or not wrong, f"{given}: validated after connections changed places"
    assert not wrong, f"{given}: {wrong} when it is validated, though only a search closes gates"


# --- the loop ---


def the_whole_loop(train, rng, Run):
    settings, seed, dataset = short(rng), int(rng.integers(0, 1000)), images(rng)
    share = 1.0 if next(turns) % 2 else settings.search_share  # 1.0: a rewiring of 0 epochs
    settings = replace(
        settings, finetune_epochs=int(rng.integers(4, 7)), search_share=share, rewire_moved=bool(rng.random() < 0.3)
    )
    trainer, run = Trainer(dataset, settings, methods.find("gates"), seed), Run(dataset, settings, seed)
    right, seen = watched(trainer), watched(run)
    network = train(run)
    assert network is not None, "no network was returned: is a `return` missing, or was none offered?"
    stopped = interrupted(trainer, rng, Run)
    where = f"in epoch {stopped.epoch + 1}, at batch {stopped.batch},"
    for _ in trainer.run():
        pass
    assert run.epoch == trainer.total_epochs, f"{run.epoch} epochs were trained, expected {trainer.total_epochs}"
    assert run.step == trainer.step, f"{run.step} steps were taken, expected {trainer.step}"
    if network.to_bytes() != trainer.network.to_bytes():
        raise AssertionError(first_difference(seen, right, trainer))
    again = train(stopped)
    assert stopped.step == trainer.step, (
        f"a run that was stopped {where} ends after {stopped.step} steps, expected {trainer.step}: leave out the "
        "batches that are done, run.batch of them"
    )
    assert again is not None and again.to_bytes() == trainer.network.to_bytes(), (
        f"a run that was stopped {where} does not go on as if nothing had happened. Is a phase begun only where both "
        "its epochs done and run.batch are 0? Is r that of all batches of an epoch, not of those that are left?"
    )


def first_difference(seen, right, trainer):
    """Words for the first epoch whose end differs from the library's."""
    epochs = [(phase.name, done) for phase in trainer.phases for done in range(phase.epochs)]
    for k, (yours, wanted, (phase, done)) in enumerate(zip(seen, right, epochs)):
        wrong = differences(yours, wanted)
        if wrong:
            hint = "Is every phase begun, and only in its first epoch? Is r that of the phase, from 0 to 1?"
            if done == 0 and k > 0:
                hint = "Is this phase begun as it should be, before its first step? Is r that of the phase?"
            return f"epoch {k + 1}, number {done + 1} of {phase}, is the first that ends elsewhere: {wrong}. {hint}"
    return "every epoch ends as the library's does, but this is another network: return run.result.network"


check = checker(
    where_and_what_next,
    the_schedules,
    one_step,
    end_of_an_epoch,
    the_whole_loop,
)
