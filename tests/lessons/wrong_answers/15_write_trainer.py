"""Wrong answers to the exercises of lesson 15; see tests/lessons/test_exercises.py.

Exercises 1 and 2 ask for two functions. Where a wrong answer has one of them, the other is that of the one before.
"""

# ruff: noqa: F811, F821


# %% exercise-1: not sorted -> should be sorted
def batches(n, size, seed, epoch, done=0):
    order = np.random.default_rng((seed, epoch)).permutation(n)
    return [order[i : i + size] for i in range(done * size, n, size)]


def position(lengths, epoch):
    for k, length in enumerate(lengths):
        if epoch < length:
            return k, epoch
        epoch -= length


# %% exercise-1: the same order every time -> the seed alone
def batches(n, size, seed, epoch, done=0):
    order = np.random.default_rng(seed).permutation(n)
    return [np.sort(order[i : i + size]) for i in range(done * size, n, size)]


# %% exercise-1: a sum for the pair -> made of the pair
def batches(n, size, seed, epoch, done=0):
    order = np.random.default_rng(seed + epoch).permutation(n)
    return [np.sort(order[i : i + size]) for i in range(done * size, n, size)]


# %% exercise-1: from the start -> sizes
def batches(n, size, seed, epoch, done=0):
    order = np.random.default_rng((seed, epoch)).permutation(n)
    return [np.sort(order[i : i + size]) for i in range(0, n, size)]


# %% exercise-1: without the last, short one -> sizes
def batches(n, size, seed, epoch, done=0):
    order = np.random.default_rng((seed, epoch)).permutation(n)
    return [np.sort(order[i : i + size]) for i in range(done * size, n - size + 1, size)]


# %% exercise-1: no order at all -> not in a random order
def batches(n, size, seed, epoch, done=0):
    return [np.arange(i, min(i + size, n)) for i in range(done * size, n, size)]


# %% exercise-1: one phase too long -> the phase after it
def position(lengths, epoch):
    for k, length in enumerate(lengths):
        if epoch <= length:
            return k, epoch
        epoch -= length


def batches(n, size, seed, epoch, done=0):
    order = np.random.default_rng((seed, epoch)).permutation(n)
    return [np.sort(order[i : i + size]) for i in range(done * size, n, size)]


# %% exercise-1: of all epochs -> of its own
def position(lengths, epoch):
    return int(np.searchsorted(np.cumsum(lengths), epoch, "right")), epoch


# %% exercise-1: from 1 -> counted from 0
def position(lengths, epoch):
    for k, length in enumerate(lengths, 1):
        if epoch < length:
            return k, epoch
        epoch -= length


# %% exercise-1: the phase alone -> 2 results
def position(lengths, epoch):
    return int(np.searchsorted(np.cumsum(lengths), epoch, "right"))


# %% exercise-2: noise below 0 -> below 0
def search_at(s, total, budget, r):
    noise = 1 - r / s.noise_end
    q = min(1.0, r / s.budget_at) ** s.count_power
    target = np.exp((1 - q) * np.log(total) + q * np.log(budget))
    return noise, target, s.retire_below * min(1.0, max(noise, s.density / s.retire_density))


def rates(s, phase, r):
    start, end = s.lr, s.lr_end if phase == "search" else 0
    if phase == "finetune":
        start, r = s.lr * s.finetune_lr, 2 * r % 1
    return {"W": cosine(start, end * start, r), "gate": cosine(s.gate_lr, end * s.gate_lr, r)}


# %% exercise-2: on past the budget -> stays at the budget
def search_at(s, total, budget, r):
    noise, q = max(0.0, 1 - r / s.noise_end), (r / s.budget_at) ** s.count_power
    target = np.exp((1 - q) * np.log(total) + q * np.log(budget))
    return noise, target, s.retire_below * min(1.0, max(noise, s.density / s.retire_density))


# %% exercise-2: a line without a limit
def search_at(s, total, budget, r):
    noise, q = max(0.0, 1 - r / s.noise_end), min(1.0, r / s.budget_at) ** s.count_power
    return noise, np.exp((1 - q) * np.log(total) + q * np.log(budget)), s.retire_below * noise


# %% exercise-2: in numbers -> in its logarithm
def search_at(s, total, budget, r):
    noise, q = max(0.0, 1 - r / s.noise_end), min(1.0, r / s.budget_at) ** s.count_power
    line = s.retire_below * min(1.0, max(noise, s.density / s.retire_density))
    return noise, (1 - q) * total + q * budget, line


# %% exercise-2: constant -> do not change
def rates(s, phase, r):
    return {"W": s.lr, "gate": s.gate_lr}


def search_at(s, total, budget, r):
    noise = max(0.0, 1 - r / s.noise_end)
    q = min(1.0, r / s.budget_at) ** s.count_power
    target = np.exp((1 - q) * np.log(total) + q * np.log(budget))
    line = s.retire_below * min(1.0, max(noise, s.density / s.retire_density))
    return noise, target, line


# %% exercise-2: once in fine-tuning -> twice in fine-tuning
def rates(s, phase, r):
    start, end = s.lr, s.lr_end if phase == "search" else 0
    start *= s.finetune_lr if phase == "finetune" else 1
    return {"W": cosine(start, end * start, r), "gate": cosine(s.gate_lr, end * s.gate_lr, r)}


# %% exercise-2: lr_end as a rate -> is a share
def rates(s, phase, r):
    start, end = s.lr, s.lr_end if phase == "search" else 0
    if phase == "finetune":
        start, r = s.lr * s.finetune_lr, 2 * r % 1
    return {"W": cosine(start, end, r), "gate": cosine(s.gate_lr, end, r)}


# %% exercise-2: finetune_lr for both -> weights alone
def rates(s, phase, r):
    share, end = 1, s.lr_end if phase == "search" else 0
    if phase == "finetune":
        share, r = s.finetune_lr, 2 * r % 1
    return {name: cosine(share * rate, share * end * rate, r) for name, rate in (("W", s.lr), ("gate", s.gate_lr))}


# %% exercise-3: no loss returned -> return
def train_step(run, phase, r, samples):
    model = run.net.model
    model.sample(run.step, 0.0)
    _, dy = run.goal.loss(model.forward(run.feed.training(run.net, samples, run.step, False)), samples)
    model.backward(dy)


# %% exercise-3: images never move -> do they move
def train_step(run, phase, r, samples):
    net, model = run.net, run.net.model
    noise, target, _ = search_at(run.s, run.plan.total, run.plan.budget, r)
    model.sample(run.step, noise if phase == "search" else 0.0)
    loss, dy = run.goal.loss(model.forward(run.feed.training(net, samples, run.step, False)), samples)
    model.backward(dy)
    if phase == "search":
        model.penalty(run.price.charge(sum(np.count_nonzero(layer.mask) for layer in net.layers), target))
    net.optimizer.lr = rates(run.s, phase, r)
    net.optimizer.step(model)
    run.step += 1
    return loss


# %% exercise-3: the price before the backward pass -> the gates differ
def train_step(run, phase, r, samples):
    net, model = run.net, run.net.model
    moves = {"rewire": run.s.rewire_moved, "finetune": r < 0.5}.get(phase, True)
    noise, target, _ = search_at(run.s, run.plan.total, run.plan.budget, r)
    model.sample(run.step, noise if phase == "search" else 0.0)
    loss, dy = run.goal.loss(model.forward(run.feed.training(net, samples, run.step, moves)), samples)
    if phase == "search":
        model.penalty(run.price.charge(sum(np.count_nonzero(layer.mask) for layer in net.layers), target))
    model.backward(dy)
    net.optimizer.lr = rates(run.s, phase, r)
    net.optimizer.step(model)
    run.step += 1
    return loss


# %% exercise-3: steered by the open gates, not by the drawn ones -> drawn in this step
def train_step(run, phase, r, samples):
    net, model = run.net, run.net.model
    moves = {"rewire": run.s.rewire_moved, "finetune": r < 0.5}.get(phase, True)
    noise, target, _ = search_at(run.s, run.plan.total, run.plan.budget, r)
    model.sample(run.step, noise if phase == "search" else 0.0)
    loss, dy = run.goal.loss(model.forward(run.feed.training(net, samples, run.step, moves)), samples)
    model.backward(dy)
    if phase == "search":
        model.penalty(run.price.charge(run.net.count_open(), target))
    net.optimizer.lr = rates(run.s, phase, r)
    net.optimizer.step(model)
    run.step += 1
    return loss


# %% exercise-3: no update -> took no step
def train_step(run, phase, r, samples):
    net, model = run.net, run.net.model
    moves = {"rewire": run.s.rewire_moved, "finetune": r < 0.5}.get(phase, True)
    noise, target, _ = search_at(run.s, run.plan.total, run.plan.budget, r)
    model.sample(run.step, noise if phase == "search" else 0.0)
    loss, dy = run.goal.loss(model.forward(run.feed.training(net, samples, run.step, moves)), samples)
    model.backward(dy)
    if phase == "search":
        model.penalty(run.price.charge(sum(np.count_nonzero(layer.mask) for layer in net.layers), target))
    run.step += 1
    return loss


# %% exercise-3: steps are not counted -> not counted
def train_step(run, phase, r, samples):
    net, model = run.net, run.net.model
    moves = {"rewire": run.s.rewire_moved, "finetune": r < 0.5}.get(phase, True)
    noise, target, _ = search_at(run.s, run.plan.total, run.plan.budget, r)
    model.sample(run.step, noise if phase == "search" else 0.0)
    loss, dy = run.goal.loss(model.forward(run.feed.training(net, samples, run.step, moves)), samples)
    model.backward(dy)
    if phase == "search":
        model.penalty(run.price.charge(sum(np.count_nonzero(layer.mask) for layer in net.layers), target))
    net.optimizer.lr = rates(run.s, phase, r)
    net.optimizer.step(model)
    return loss


# %% exercise-3: charged in all phases -> in the search alone
def stepped(run, phase, r, samples, number, scale, charged):
    net, model = run.net, run.net.model
    moves = {"rewire": run.s.rewire_moved, "finetune": r < 0.5}.get(phase, True)
    noise, target, _ = search_at(run.s, run.plan.total, run.plan.budget, r)
    model.sample(number, (scale or noise) if phase == "search" else 0.0)
    loss, dy = run.goal.loss(model.forward(run.feed.training(net, samples, run.step, moves)), samples)
    model.backward(dy)
    if charged:
        model.penalty(run.price.charge(sum(np.count_nonzero(layer.mask) for layer in net.layers), target))
    net.optimizer.lr = rates(run.s, phase, r)
    net.optimizer.step(model)
    run.step += 1
    return loss


def train_step(run, phase, r, samples):
    return stepped(run, phase, r, samples, run.step, None, True)


# %% exercise-3: the noise of the step after -> that of step
def train_step(run, phase, r, samples):
    return stepped(run, phase, r, samples, run.step + 1, None, phase == "search")


# %% exercise-3: noise to the end of the search -> scale of the noise
def train_step(run, phase, r, samples):
    return stepped(run, phase, r, samples, run.step, 1 - r, phase == "search")


# %% exercise-4: nothing but the count -> accuracy
def end_epoch(run, phase, r, done):
    run.epoch, run.batch = run.epoch + 1, 0


# %% exercise-4: validates before it closes -> before the gates were closed
def end_epoch(run, phase, r, done):
    net = run.net
    net.model.sample(run.step, 0.0)
    accuracy = run.goal.score(net.model.forward(run.feed.validation(net)))
    if phase == "search":
        line = search_at(run.s, run.plan.total, run.plan.budget, r)[2]
        close(net, [layer.params["gate"] >= line for layer in net.layers])
    run.epoch, run.batch = run.epoch + 1, 0
    if phase == "rewire":
        run.swaps.change_wiring(run, done)
    if phase == "finetune" and done in (run.phases[phase] // 2, run.phases[phase]):
        run.result.offer(net.open_network(), accuracy)
    return accuracy


# %% exercise-4: offers at the end alone -> were offered
def end_epoch(run, phase, r, done):
    net = run.net
    if phase == "search":
        line = search_at(run.s, run.plan.total, run.plan.budget, r)[2]
        close(net, [layer.params["gate"] >= line for layer in net.layers])
    run.epoch, run.batch = run.epoch + 1, 0
    net.model.sample(run.step, 0.0)
    accuracy = run.goal.score(net.model.forward(run.feed.validation(net)))
    if phase == "rewire":
        run.swaps.change_wiring(run, done)
    if phase == "finetune" and done == run.phases[phase]:
        run.result.offer(net.open_network(), accuracy)
    return accuracy


# %% exercise-4: the wiring never changes -> changed places
def end_epoch(run, phase, r, done):
    net = run.net
    if phase == "search":
        line = search_at(run.s, run.plan.total, run.plan.budget, r)[2]
        close(net, [layer.params["gate"] >= line for layer in net.layers])
    run.epoch, run.batch = run.epoch + 1, 0
    net.model.sample(run.step, 0.0)
    accuracy = run.goal.score(net.model.forward(run.feed.validation(net)))
    if phase == "finetune" and done in (run.phases[phase] // 2, run.phases[phase]):
        run.result.offer(net.open_network(), accuracy)
    return accuracy


# %% exercise-4: the wiring changes first -> after connections changed places
def end_epoch(run, phase, r, done):
    net = run.net
    if phase == "search":
        line = search_at(run.s, run.plan.total, run.plan.budget, r)[2]
        close(net, [layer.params["gate"] >= line for layer in net.layers])
    if phase == "rewire":
        run.swaps.change_wiring(run, done)
    run.epoch, run.batch = run.epoch + 1, 0
    net.model.sample(run.step, 0.0)
    accuracy = run.goal.score(net.model.forward(run.feed.validation(net)))
    if phase == "finetune" and done in (run.phases[phase] // 2, run.phases[phase]):
        run.result.offer(net.open_network(), accuracy)
    return accuracy


# %% exercise-4: the model from before it closes -> an old model
def ended(run, phase, r, done, old=False, draws=True, more=0, times=1):
    net, model = run.net, run.net.model
    if phase == "search":
        line = times * search_at(run.s, run.plan.total, run.plan.budget, r)[2]
        close(net, [layer.params["gate"] >= line for layer in net.layers])
    run.epoch, run.batch = run.epoch + 1, 0
    model = model if old else net.model
    if draws:
        model.sample(run.step, 0.0)
    accuracy = run.goal.score(model.forward(run.feed.validation(net)))
    if phase == "rewire":
        run.swaps.change_wiring(run, done)
    if phase == "finetune" and done in ((run.phases[phase] + more) // 2, run.phases[phase]):
        run.result.offer(net.open_network(), accuracy)
    return accuracy


def end_epoch(run, phase, r, done):
    return ended(run, phase, r, done, old=True)


# %% exercise-4: no gates drawn -> gates without noise
def end_epoch(run, phase, r, done):
    return ended(run, phase, r, done, draws=False)


# %% exercise-4: half, rounded up -> length // 2
def end_epoch(run, phase, r, done):
    return ended(run, phase, r, done, more=1)


# %% exercise-4: a line too low -> no gate was closed
def end_epoch(run, phase, r, done):
    return ended(run, phase, r, done, times=99)


# %% exercise-4: all that are closed without noise -> other gates are closed
def end_epoch(run, phase, r, done):
    return ended(run, phase, r, done, times=0)


# %% exercise-5: the library's own
def train(run):
    return None


# %% exercise-5: begun in every epoch -> begun, and only in its first epoch
def train(run):
    names, lengths = list(run.phases), list(run.phases.values())
    while run.epoch < sum(lengths):
        k, done = position(lengths, run.epoch)
        phase, layers = names[k], run.net.layers
        if done == 0 and phase == "search":
            run.net.build(run.s.gate_start, [layer.params["W"] for layer in layers])
        elif done == 0 and phase != "dense":
            freeze(run.net, [layer.params["gate"] for layer in layers], run.plan.budget)
        run.net.new_optimizer()
        every = batches(len(run.dataset.train_x), run.s.batch_size, run.seed, run.epoch)
        for b, samples in enumerate(every):
            r = (done + b / len(every)) / lengths[k]
            train_step(run, phase, r, samples)
        end_epoch(run, phase, r, done + 1)
    return run.result.network


# %% exercise-5: progress of the whole run -> Is r that of the phase
def train(run):
    names, lengths = list(run.phases), list(run.phases.values())
    while run.epoch < sum(lengths):
        k, done = position(lengths, run.epoch)
        phase, layers = names[k], run.net.layers
        if done == 0:
            if phase == "search":
                run.net.build(run.s.gate_start, [layer.params["W"] for layer in layers])
            elif phase != "dense":
                freeze(run.net, [layer.params["gate"] for layer in layers], run.plan.budget)
            run.net.new_optimizer()
        every = batches(len(run.dataset.train_x), run.s.batch_size, run.seed, run.epoch)
        for b, samples in enumerate(every):
            r = (run.epoch + b / len(every)) / sum(lengths)
            train_step(run, phase, r, samples)
        end_epoch(run, phase, r, done + 1)
    return run.result.network


# %% exercise-5: it ends before fine-tuning
def train(run):
    names, lengths = list(run.phases), list(run.phases.values())
    while run.epoch < sum(lengths[:3]):
        k, done = position(lengths, run.epoch)
        phase, layers = names[k], run.net.layers
        if done == 0:
            if phase == "search":
                run.net.build(run.s.gate_start, [layer.params["W"] for layer in layers])
            elif phase != "dense":
                freeze(run.net, [layer.params["gate"] for layer in layers], run.plan.budget)
            run.net.new_optimizer()
        every = batches(len(run.dataset.train_x), run.s.batch_size, run.seed, run.epoch)
        for b, samples in enumerate(every):
            train_step(run, phase, (done + b / len(every)) / lengths[k], samples)
        end_epoch(run, phase, (done + b / len(every)) / lengths[k], done + 1)
    return run.net.open_network()


# %% exercise-5: wiring not frozen for fine-tuning -> finetune
def looped(run, frozen=("rewire", "finetune"), leave_out=True, once=True, of_left=False):
    names, lengths = list(run.phases), list(run.phases.values())
    n, size = len(run.dataset.train_x), run.s.batch_size
    while run.epoch < sum(lengths):
        k, done = position(lengths, run.epoch)
        phase, layers = names[k], run.net.layers
        if done == 0 and (run.batch == 0 or not once):
            if phase == "search":
                run.net.build(run.s.gate_start, [layer.params["W"] for layer in layers])
            elif phase in frozen:
                freeze(run.net, [layer.params["gate"] for layer in layers], run.plan.budget)
            run.net.new_optimizer()
        every = batches(n, size, run.seed, run.epoch, run.batch if leave_out else 0)
        for b, samples in enumerate(every):
            r = b / len(every) if of_left else run.batch / -(-n // size)
            train_step(run, phase, (done + r) / lengths[k], samples)
            run.batch += 1
        end_epoch(run, phase, (done + r) / lengths[k], done + 1)
    return run.result.network


def train(run):
    return looped(run, frozen=("rewire",))


# %% exercise-5: resumed from the start of the epoch -> leave out the batches
def train(run):
    return looped(run, leave_out=False)


# %% exercise-5: a phase that is under way begins again -> go on as if nothing had happened
def train(run):
    return looped(run, once=False)


# %% exercise-5: r of the batches that are left -> go on as if nothing had happened
def train(run):
    return looped(run, of_left=True)


# %% exercise-5: the last network, not the best -> return run.result.network
def train(run):
    looped(run)
    return run.net.open_network()
