"""The pages compute what the library and NumPy compute, and their answers are true."""

import numpy as np
import pytest
from helpers.lessons import code_cells, read

from tinygsp import data
from tinygsp.nn import gates
from tinygsp.nn.metrics import r_squared
from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

f32 = np.float32


def lesson_function(lesson, name):
    """A function that a cell of a lesson defines first."""
    (cell,) = [cell for cell in code_cells(read(lesson)) if cell.source.startswith(f"def {name}(")]
    space = {"np": np}
    exec(cell.source.split("\n\n")[0], space)
    return space[name]


# --- the learning rate ---


@pytest.fixture
def valley(recorded):
    found = recorded("rate")
    return np.array(found["H"]), np.array(found["best"])


def descend(valley, rate, momentum, steps, start=(0.5, 0.0)):
    H, best = valley
    p, velocity, path = np.array(start), np.zeros(2), [np.array(start)]
    for _ in range(steps):
        velocity = momentum * velocity + H @ (p - best)
        p = p - rate * velocity
        path.append(p)
    return np.array(path)


def needed(valley, rate, momentum):
    """After how many steps the loss stays within 1e-6 of the lowest."""
    H, best = valley
    away = descend(valley, rate, momentum, 2000) - best
    return np.flatnonzero(np.sum(away @ H * away, axis=1) / 2 > 1e-6)[-1] + 1


def test_the_valley_is_that_of_lesson_01(recorder, recorded, valley):
    assert all(np.allclose(value, recorded("rate")[key]) for key, value in recorder.record_rate().items())
    printed = "".join(out.text for cell in code_cells(read("01_fit_line")) for out in cell.outputs if "text" in out)
    flat, steep = np.linalg.eigvalsh(valley[0])
    assert f"curvatures {flat:.2f} and {steep:.2f}, so the learning rate must stay below {2 / steep:.3f}" in printed


@pytest.mark.parametrize(
    "rate, momentum, steps", [(0.01, 0, 30), (0.2, 0, 40), (0.07, 0.7, 60), (0.4, 0.8, 100), (0.3, 0, 9)]
)
def test_the_path_is_that_of_numpy(browser, valley, rate, momentum, steps):
    browser.open("rate", f"#rate={rate}&momentum={momentum}&steps={steps}")
    path = descend(valley, rate, momentum, steps)
    assert np.allclose(browser.run("return page.path()"), path, rtol=1e-9)
    words = browser.text("#verdict")
    limit = 2 * (1 + momentum) / np.linalg.eigvalsh(valley[0])[1]
    assert ("It diverges." in words) == (rate > limit) and f"{limit:.3f}" in words
    if rate < limit:
        assert f"takes {needed(valley, rate, momentum):,} steps" in " ".join(words.split())


@pytest.mark.parametrize(
    "link, words",
    [
        ("#rate=0.05&momentum=0", "It rolls down without oscillating."),
        ("#rate=0.2&momentum=0", "It oscillates across the valley."),
        ("#rate=0.07&momentum=0.97", "It swings along the valley."),
        ("#rate=0.24&momentum=0", "It diverges."),
    ],
)
def test_the_page_says_what_the_path_does(browser, link, words):
    assert browser.open("rate", link).text("#verdict").startswith(words)


def test_the_start_can_be_dragged(browser):
    browser.open("rate")
    left, top, *_ = browser.box("#start")
    browser.point((left + 24, top + 24), (left + 124, top - 16))
    values, path = browser.values(), browser.run("return page.path()")
    assert values["w"] > 1 and values["b"] > 0.3 and path[0] == [values["w"], values["b"]]
    moved_left, moved_top, *_ = browser.box("#start")
    assert abs(moved_left - left - 100) < 5 and abs(moved_top - top + 40) < 5


def test_answers_about_the_rate(valley):
    steep = np.linalg.eigvalsh(valley[0])[1]
    assert 0.236 < 2 / steep < 0.238
    steps = {momentum: needed(valley, 0.07, momentum) for momentum in np.arange(100) / 100 if momentum < 0.98}
    assert min(steps, key=steps.get) == 0.71 and steps[0.71] == 42 and steps[0] == 233


# --- temperature and gate ---


@pytest.mark.parametrize("gate, tau", [(1, 1), (-4, 5), (2.5, 0.1)])
def test_samples_are_those_of_the_library(browser, gate, tau):
    browser.open("gate", f"#gate={gate}&tau={tau}")
    tau = browser.values()["tau"]  # the slider has steps
    noise = gates.logistic_noise(np.array(browser.run("return page.uniform()")))
    mask, soft = gates.binary_gate(np.full(len(noise), float(gate)), noise, tau)
    slope = gates.binary_gate_backward(np.ones(len(noise)), soft, tau)
    found = browser.run("return page.sample().map(({soft, open, slope}) => [soft, Number(open), slope])")
    assert len(noise) == 2000 and np.allclose(found, np.column_stack([soft, mask, slope]), rtol=0, atol=1e-9)
    p = gates.sigmoid(np.array(float(gate)))
    shown = [browser.number(f"#{name}") for name in ("chance", "counted", "exact", "mean", "spread")]
    assert np.allclose(shown[:2], [100 * p, 100 * mask.mean()], rtol=0, atol=0.051)
    assert np.allclose(shown[2:], [p * (1 - p), slope.mean(), slope.std()], rtol=0, atol=6e-5)
    heights = browser.run("""return [...document.querySelectorAll("#samples rect.for, #samples g > rect.wire")]
        .map(bar => Number(bar.getAttribute("height")))""")
    counts = np.histogram(soft, 40, (0, 1))[0]
    assert np.allclose(np.array(heights) / max(heights), counts / counts.max(), rtol=0, atol=1e-9)


def test_noise_is_uniform_and_new_when_asked_for(browser):
    browser.open("gate")
    first = np.array(browser.run("return page.uniform()"))
    browser.find("#again").click()
    second = np.array(browser.run("return page.uniform()"))
    for u in (first, second):
        gap = np.abs(np.sort(u) - (np.arange(2000) + 0.5) / 2000).max()
        assert 0 < u.min() and u.max() < 1 and gap < 0.05  # far beyond what chance allows
    assert not np.array_equal(first, second)


def test_answers_about_the_gate():
    noise = gates.logistic_noise((np.arange(100_000) + 0.5) / 100_000)

    def slopes(gate, tau):
        return gates.binary_gate_backward(1.0, gates.binary_gate(gate + 0 * noise, noise, tau)[1], tau)

    warm, hot, cold = slopes(-4.0, 1), slopes(-4.0, 5), slopes(1.0, 0.05)
    assert round(warm.mean(), 2) == round(hot.mean(), 2) == 0.04
    assert 0.3 < np.mean(warm < 0.01) < 0.4 and warm.max() > 0.249 and hot.std() < 0.006
    p = gates.sigmoid(np.array([-4.0, 1.0]))
    assert 2 < warm.mean() / (p * (1 - p))[0] < 2.5
    assert abs(cold.mean() - (p * (1 - p))[1]) < 0.001 and np.mean(cold < 0.01) > 0.8


# --- the price controller ---


def radius(a, d, delay, k=0.02):
    """The largest root of the loop's characteristic polynomial."""
    p = np.zeros(delay + 3)
    p[:3] = 1, -2, 1
    p[delay + 1 : delay + 3] += k * (a + d), -k * d
    roots = np.roots(p)
    return np.abs(np.delete(roots, np.abs(roots - 1).argmin()) if a == 0 else roots).max()


@pytest.mark.parametrize("a, d", [(0, 3), (0.004, 0), (0.004, 3), (0.01, 1)])
def test_without_delay_the_loop_is_that_of_lesson_08(browser, a, d):
    browser.open("controller")
    found = browser.run("return page.respond(arguments[0], arguments[1], 0).e", a, d)
    assert np.allclose(found, lesson_function("08_learn_wiring", "respond")(a, d), rtol=0, atol=1e-9)


def test_with_delay_the_controller_sees_an_old_count(browser):
    browser.open("controller")
    a, d, delay, e, integral = 0.01, 1.5, 7, [1.0], -1.0
    for t in range(300):
        seen = e[max(0, t - delay)]
        integral += a * seen
        e.append(e[-1] - 0.02 * (integral + d * seen))
    assert np.allclose(browser.run("return page.respond(...arguments).e", a, d, delay, 300), e, rtol=0, atol=1e-9)


def test_growth_is_the_largest_root(browser):
    browser.open("controller")
    rng = np.random.default_rng(0)
    for _ in range(40):
        a, d, delay = rng.choice([0, rng.uniform(0.0005, 0.04)]), rng.uniform(0.2, 10), int(rng.integers(61))
        found = browser.run("return page.growth(...arguments)", a, d, delay)
        assert found == pytest.approx(radius(a, d, delay), abs=1e-5), (a, d, delay)


@pytest.mark.parametrize(
    "link, words",
    [
        ("#a=0.004&d=3&delay=0", "Stable."),
        ("#a=0.004&d=3&delay=30", "Unstable."),
        ("#a=0.004&d=0.5&delay=0", "Stable, with swings that die out."),
        ("#a=0.004&d=0&delay=0", "It swings for ever."),
        ("#a=0.004&d=0&delay=10", "Unstable."),
        ("#a=0&d=3&delay=0", "Stable, but off the target."),
        ("#a=0&d=0", "Nobody steers."),
    ],
)
def test_the_page_says_whether_the_loop_is_stable(browser, link, words):
    assert browser.open("controller", link).text("#verdict").startswith(words)


def test_answers_about_the_controller():
    assert radius(0.004, 3, 25) < 1 < radius(0.004, 3, 30)
    assert radius(0.004, 6, 10) < 1 < radius(0.004, 6, 15)


# --- what a gate costs ---


def as_network(found, sizes):
    """A recorded network as the library's."""
    layers = []
    for layer, shape in zip(found["layers"], zip(sizes, sizes[1:])):
        row, col, weight = np.array(layer["edges"]).reshape(-1, 3).T
        indices = row.astype(np.int32), col.astype(np.int32)
        layers.append(SparseLayer(shape, *indices, weight.astype(f32), np.array(layer["bias"], f32)))
    return SparseNetwork(layers, Meta(task="regression"))


def test_networks_compute_what_the_library_computes(browser, recorded):
    found, toy = recorded("price"), data.load("toy", 0)
    browser.open("price")
    assert len(found["networks"]) == 33
    for k, entry in enumerate(found["networks"]):
        network, x = as_network(entry, found["sizes"]), toy.val_x[:20]
        assert network.count() == entry["kept"]
        assert np.allclose(r_squared(network.scores(toy.val_x), toy.val_y), entry["score"], atol=2e-3)
        browser.run("document.getElementById('price').value = arguments[0]; changed()", k)
        outputs = browser.run("return arguments[0].map(page.run)", x.tolist())
        assert np.allclose(outputs, network.scores(x), atol=1e-4)
        apart = network.reaches()
        wrong = int(apart[:2, 1].sum() + apart[2:, 0].sum())
        shown = [browser.number(f"#{name}") for name in ("kept", "open", "score1", "score2", "cross")]
        assert np.allclose(shown, [entry["kept"], entry["open"], *entry["score"], wrong], atol=6e-4)
        dashed = browser.driver.find_elements("css selector", "#net path.against")
        assert bool(dashed) == bool(wrong)


def test_answers_about_the_price(recorded):
    content = recorded("price")
    found = {entry["price"]: entry for entry in content["networks"]}
    learned = [price for price, entry in found.items() if min(entry["score"]) > 0.8]
    assert learned == [price for price in found if price <= 0.0018]
    assert found[0.0024]["score"][0] < 0.01 and found[0.0024]["score"][1] > 0.99
    y1 = data.load("toy", 0).val_y[:, 0]
    gates_of_y1 = found[0.0018]["kept"] - 15  # 15 lead to y2
    assert round(float(np.abs(y1 - np.median(y1)).mean()), 1) == 0.9 and round(0.0024 * gates_of_y1, 2) == 0.03
    paths = {price: as_network(found[price], content["sizes"]).reaches() for price in learned}
    apart = [price for price in learned if not (paths[price][:2, 1].any() or paths[price][2:, 0].any())]
    assert apart == [0.00056, 0.001, 0.0013, 0.0018]
    assert found[0.00042]["kept"] == 31 and found[0.00056]["kept"] == 32


def test_the_recorder_keeps_its_price(recorder):
    trainer = recorder.search_at(3e-4, epochs=1)
    assert trainer.phases[0].price == 3e-4 and trainer.phases[0].controller.charge(100, 10.0) == 3e-4


# --- work that shrinks ---


def test_the_table_shows_the_epoch(browser, recorded):
    found = recorded("shrink")
    browser.open("shrink")
    ms = np.array(found["ms"])
    dense = np.median([t for t, phase in zip(ms, found["phase"]) if phase == "dense"])
    assert browser.run("return page.dense") == pytest.approx(dense, rel=0.1)  # of an even number, the upper middle
    for epoch in (1, 20, 120, 250, len(ms)):
        browser.set(epoch=epoch)
        shown = [browser.number(f"#{name}") for name in ("live", "cells", "ms", "accuracy")]
        right = [found["live"][epoch - 1], found["cells"][epoch - 1], ms[epoch - 1], 100 * found["accuracy"][epoch - 1]]
        assert np.allclose(shown, right, rtol=0.006)
        seconds = browser.run("return page.seconds(arguments[0] - 1)", epoch)
        assert seconds == pytest.approx(ms[:epoch].sum() * found["steps"] / 1000)


def test_the_run_is_one_of_the_library(recorded):
    found = recorded("shrink")
    assert found["total"] == 266_610 and len(found["live"]) == 410
    assert found["live"][-1] <= 399 and all(a <= b for a, b in zip(found["live"], found["cells"]))
    assert np.all(np.diff(found["live"]) <= 0)


def test_answers_about_the_work(recorded):
    found = {name: np.array(values) for name, values in recorded("shrink").items()}
    live, ms, accuracy, phase = (found[name] for name in ("live", "ms", "accuracy", "phase"))
    assert np.argmin(np.diff(live)) + 2 == 19 and live[18] == 25_415 and live[17] > 250_000
    assert 1.4 < ms[19] < 1.6 and 5.5 < ms[18] < 6.5
    assert accuracy[11] > 0.95 and accuracy[12] < 0.15 and found["open"][12] < 300
    dense = np.median(ms[phase == "dense"])
    assert round(found["total"] / live[-1]) == 668 and 25 < dense / ms[-1] < 35
    assert list(phase).index("rewire") + 1 == 161 and np.median(ms[160:310]) > 2 * np.median(ms[140:160])
