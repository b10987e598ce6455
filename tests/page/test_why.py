"""Why this class and not that: the difference of two classes, what a unit looks for, and a class that is held."""

import numpy as np
from helpers.page import noise, odd_network, paths, random_network
from selenium.webdriver.support.ui import Select

from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

f32 = np.float32


def choose(browser, name, value):
    Select(browser.find(f"#{name}")).select_by_value(value)


def test_the_difference_of_two_classes(browser):
    """Each wire adds to it what it adds to the one, minus what it adds to the other."""
    network = odd_network().trim()
    browser.open(network, *noise(network, 20))
    x = np.array(browser.run("return explorer.pixels()"), np.uint8)
    choose(browser, "held", "0")
    choose(browser, "rival", "2")
    assert browser.text("#view") == "Why a and not c"
    assert (browser.text("#key-for"), browser.text("#key-against")) == ("for a", "for c")
    scores = network.scores(x[None])[0]
    browser.see("#words", f"{scores[0] - scores[2]:+.2f}".replace("-", "−") + " is the score of a minus that of c.")
    every = paths(network, x)
    for wire in browser.run("return explorer.wires()"):
        ends = (wire["layer"], wire["row"]), (wire["layer"] + 1, wire["col"])
        through = [(int(nodes[-1][1]), value) for nodes, value in every if ends[0] in nodes and ends[1] in nodes]
        expected = sum(value * (int(target == 0) - int(target == 2)) for target, value in through)
        assert np.isclose(wire["adds"], expected, atol=1e-4)


def test_the_runner_up(browser):
    network = odd_network().trim()
    browser.open(network, *noise(network, 20))
    choose(browser, "rival", "second")
    x = np.array(browser.run("return explorer.pixels()"), np.uint8)
    order = np.argsort(-network.scores(x[None])[0])
    assert browser.text("#view") == f"Why {'abc'[order[0]]} and not {'abc'[order[1]]}"
    choose(browser, "held", str(order[1]))  # then the best of the others is taken from it
    assert browser.text("#view") == f"Why {'abc'[order[1]]} and not {'abc'[order[0]]}"


def test_a_held_class_survives_the_next_image(browser):
    network = odd_network().trim()
    browser.open(network, *noise(network, 20))
    browser.find("#scores li:nth-child(2) button").click()
    for button in ("#next", "#next", "#previous", "#clear"):
        browser.find(button).click()
        browser.see("#view", "The score of b")
        assert browser.find("#scores li:nth-child(2) button").get_attribute("aria-pressed") == "true"
    browser.find("#scores li:nth-child(2) button").click()  # a second press lets go
    assert browser.find("#held").get_property("value") == ""


def test_what_a_unit_looks_for(browser):
    """Pixels that raise it are blue, those that lower it orange, where the unit reads them."""
    row, weight = np.array([3, 16, 31], np.int32), np.array([2, -2, 1], f32)
    layers = [
        SparseLayer((35, 2), row, np.zeros(3, np.int32), weight, np.zeros(2, f32)),
        SparseLayer((2, 3), np.zeros(3, np.int32), np.arange(3, dtype=np.int32), np.ones(3, f32), np.zeros(3, f32)),
    ]
    network = SparseNetwork(layers, Meta(divisor=255.0, class_names=("a", "b", "c"), input_shape=(7, 5)))
    browser.open(network, np.zeros((3, 35), np.uint8), np.zeros(3, np.int64))
    assert not browser.find("#looks").is_displayed()
    browser.hover("[aria-label='Unit 0 of hidden layer 1']")
    assert browser.find("#looks").is_displayed()
    seen = browser.run(
        """const context = document.getElementById("looks").getContext("2d");
        return Array.from(context.getImageData(0, 0, 5, 7).data)"""
    )
    seen = np.array(seen).reshape(35, 4)
    assert np.flatnonzero(seen[:, 3]).tolist() == [3, 16, 31] and seen[3, 3] > seen[31, 3]
    assert seen[3, 2] > seen[3, 0] and seen[31, 2] > seen[31, 0] and seen[16, 0] > seen[16, 2]


def test_a_unit_without_a_path_to_the_winner_says_for_whom_it_speaks(browser):
    layers = [
        SparseLayer((4, 2), np.array([0, 3], np.int32), np.array([0, 1], np.int32), np.ones(2, f32), np.ones(2, f32)),
        SparseLayer((2, 2), *np.array([[0, 1], [0, 1]], np.int32), np.array([1, 5], f32), np.zeros(2, f32)),
    ]
    network = SparseNetwork(layers, Meta(divisor=255.0, class_names=("a", "b"), input_shape=(2, 2)))
    x = np.full((2, 4), 255, np.uint8)
    browser.open(network, x, np.ones(2, np.int64))
    browser.hover("[aria-label='Unit 0 of hidden layer 1']")
    value = 2 / (1 + np.exp(-2))
    browser.see("#words", f"No path to class b, the winner. For this image it speaks for a (+{value:.2f}).")
    choose(browser, "held", "0")
    browser.hover("[aria-label='Unit 0 of hidden layer 1']")
    browser.see("#words", "1 path to class a: ")


def test_a_wire_says_what_it_does(browser, digits):
    network = random_network().trim()
    browser.open(network, *digits)
    wires = browser.run("return explorer.wires()")
    strongest = max(range(len(wires)), key=lambda e: abs(wires[e]["adds"]))
    wire = wires[strongest]
    browser.point(browser.wire(strongest), press=False)
    browser.see("#words", f"weight {'−' if wire['weight'] < 0 else '+'}{abs(wire['weight']):.2f}. It adds ")
    browser.see("#words", " of 1,000.")
    bright = [w for w in browser.run("return explorer.wires()") if not w["away"]]
    assert 1 <= len(bright) < len(wires) / 4
    assert any((w["layer"], w["row"], w["col"]) == (wire["layer"], wire["row"], wire["col"]) for w in bright)
