"""The page works by mouse, finger and keyboard, in narrow and wide windows."""

import re

import numpy as np
from helpers.page import DIGITS, noise, odd_network, paths, random_network
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tinygsp.page.builder import select
from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

f32 = np.float32


def test_scores_are_shown(browser, digits):
    network = random_network()
    browser.open(network, *digits)
    x = np.array(browser.run("return explorer.pixels()"), np.uint8)[None]
    scores, chances = network.scores(x)[0], network.predict_proba(x)[0]
    rows = [row.text.replace("−", "-").split() for row in browser.driver.find_elements(By.CSS_SELECTOR, "#scores li")]
    shown = np.array([[float(row[-1]), float(row[-3])] for row in rows])
    assert np.allclose(shown, np.column_stack([scores, 100 * chances]), rtol=0, atol=(0.006, 0.06))
    assert browser.text("#scores .winner .name") == browser.text("#winner") == DIGITS[scores.argmax()]
    assert browser.text("#certainty") == f"{100 * chances.max():.1f} %"
    shares = """return [...document.querySelectorAll("#scores .bar")].map(bar =>
        bar.getBoundingClientRect().width / bar.parentNode.getBoundingClientRect().width)"""
    assert np.allclose(browser.run(shares), chances, atol=0.01)
    right = 100 * (network.predict(digits[0]) == digits[1]).mean()
    assert f"It is right on {right:.2f} % of 10,000 test images." in browser.text("#summary")


def test_the_true_class_is_ticked(browser):
    """Also where it is not the one that wins."""
    network = odd_network()
    x, y = noise(network, 40)
    browser.open(network, x, y)
    browser.find("#wrong").click()
    image = int(browser.text("#verdict").split(",")[0].split()[-1])
    assert network.predict(x)[image] != y[image]
    ticked = """return [...document.querySelectorAll("#scores .name")].filter(name =>
        getComputedStyle(name, "::after").content.includes("✓")).map(name => name.textContent)"""
    assert browser.run(ticked) == ["abc"[y[image]]]
    browser.find("#clear").click()
    assert browser.run(ticked) == []


def test_what_adds_more_is_thicker(browser):
    pixels, weights = np.array([1, 16, 31], np.int32), np.array([1, 4, 8], f32)
    layer = SparseLayer((35, 2), pixels, np.zeros(3, np.int32), weights, np.ones(2, f32))
    network = SparseNetwork([layer], Meta(divisor=255.0, class_names=("a", "b"), input_shape=(7, 5)))
    browser.open(network, np.full((3, 35), 255, np.uint8), np.zeros(3, np.int64))
    drawn, widths = browser.drawn("#wires"), []
    for wire in browser.run("return explorer.wires()"):
        x, y = (values[150] for values in along(wire["points"]))
        widths.append(np.count_nonzero(drawn[y - 6 : y + 7, x, 3] > 60))
    assert widths[0] < widths[1] < widths[2] and widths[2] >= 4


def test_stepping_through_test_images(browser):
    network = odd_network()
    x = noise(network, 40)[0]
    y = np.arange(40) % 3
    browser.open(network, x, y)
    chosen = select(y, network.predict(x), 120)
    wrong = [i for i in chosen if network.predict(x)[i] != y[i]]
    assert 2 < len(wrong) < len(chosen) - 2

    def verdict(i):
        predicted = network.predict(x)[i]
        return (
            f"Test image {i}, a {'abc'[y[i]]}, is read as {'abc'[predicted]}. "
            f"{'Right.' if predicted == y[i] else 'Wrong.'}"
        )

    first = next(place for place, i in enumerate(chosen) if i not in wrong)
    assert browser.text("#verdict") == verdict(chosen[first])
    for i in [*chosen[first + 1 :], *chosen[: first + 1]]:  # once around
        browser.find("#next").click()
        assert browser.text("#verdict") == verdict(i) and browser.answer() == "abc"[network.predict(x)[i]]
    browser.find("#previous").click()
    assert browser.text("#verdict") == verdict(chosen[first - 1])
    browser.find("#wrong").click()
    seen = [browser.text("#verdict")]
    for _ in wrong[1:]:
        browser.press(Keys.ARROW_RIGHT)
        seen.append(browser.text("#verdict"))
    assert sorted(seen) == sorted(map(verdict, wrong))
    browser.press(Keys.ARROW_LEFT)
    assert browser.text("#verdict") == seen[-2] and f" of {len(wrong)}" in browser.text("#position")


def test_no_wrong_ones(browser):
    x, _ = noise(odd_network(), 10)
    browser.open(odd_network(), x, odd_network().predict(x))
    assert not browser.find("#wrong").is_enabled()


def active(browser):
    """Id or label of what has the focus, and whether one can see it."""
    return browser.run("""const element = document.activeElement, ring = document.getElementById("ring");
        const outlined = getComputedStyle(element).outlineStyle !== "none";
        const ringed = element.node && ring.getAttribute("visibility") === "visible";
        return [element.id || element.getAttribute("aria-label") || element.className, Boolean(outlined || ringed)]""")


def test_everything_by_keyboard(browser):
    network = odd_network()
    browser.open(network, *noise(network, 20))
    verdicts = [browser.text("#verdict")]
    browser.press(Keys.TAB)
    assert active(browser) == ["tour-button", True]
    for name, key in (("clear", None), ("previous", Keys.ENTER), ("next", Keys.ENTER), ("wrong", Keys.SPACE)):
        browser.press(Keys.TAB)
        assert active(browser) == [name, True]
        if key:
            browser.press(key)
            verdicts.append(browser.text("#verdict"))
    assert verdicts[1] != verdicts[0] == verdicts[2]
    assert browser.find("#wrong").is_selected() and verdicts[3].endswith("Wrong.")

    for name in ("held", "rival"):
        browser.press(Keys.TAB)
        assert active(browser) == [name, True]
    browser.press(Keys.TAB)  # into the picture, one stop
    name, visible = active(browser)
    assert name.startswith("Pixel in row") and visible
    browser.see("#detail", name)
    for _ in range(30):  # to the right there are the units, and in the end the classes
        browser.press(Keys.ARROW_RIGHT)
    name, visible = active(browser)
    assert name.startswith("Class") and visible and browser.text("#verdict") == verdicts[3]
    browser.press(Keys.ENTER, Keys.TAB)
    assert active(browser)[1]
    held = browser.driver.find_elements(By.CSS_SELECTOR, "#scores [aria-pressed=true] .name")
    assert [f"Class {element.text.split()[0]}" for element in held] == [name]
    browser.press(Keys.ESCAPE)
    browser.see("#view", f"The score of {name.split()[1]}")
    browser.see("#detail", "Point at, tap or tab")


def test_hovering_shows_only_its_paths(browser):
    network = odd_network().trim()
    browser.open(network, *noise(network, 20))
    unit = int(network.layers[1].row[0])
    browser.hover(f"[aria-label='Unit {unit} of hidden layer 1']")
    browser.see("#detail", f"Unit {unit} of hidden layer 1: output")
    x = np.array(browser.run("return explorer.pixels()"), np.uint8)
    target = int(network.predict(x[None])[0])
    through = [(nodes, value) for nodes, value in paths(network, x) if (1, unit) in nodes]
    counted = sum(nodes[0][0] == 0 and nodes[-1] == (4, target) for nodes, _ in through)
    brings = sum(value for nodes, value in through if nodes[-1] == (4, target))
    browser.see("#detail", f"{counted} path{'' if counted == 1 else 's'} to class {'abc'[target]}: ")
    said = re.search(r"to class .: (\S+) to class . in all", browser.text("#detail"))[1]
    assert abs(float(said.replace("−", "-")) - brings) < 0.006
    bright = sum(not wire["away"] for wire in browser.run("return explorer.wires()"))
    assert bright == len({pair for nodes, _ in through for pair in zip(nodes, nodes[1:])})
    browser.hover("#title")
    browser.see("#detail", "Point at, tap or tab")
    assert not browser.driver.find_elements(By.CSS_SELECTOR, ".away")


def along(points):
    """Whole pixels (300,), (300,) along the middle of the curve of a wire, x and y."""
    x0, y0, x1, y1 = points
    t = np.linspace(0.2, 0.8, 300)
    s, middle = 1 - t, (x0 + x1) / 2
    x = s**3 * x0 + 3 * s * t * middle * (s + t) + t**3 * x1
    y = s**2 * (s + 3 * t) * y0 + t**2 * (t + 3 * s) * y1
    return x.astype(int), y.astype(int)


def test_signs_differ_by_more_than_colour(browser):
    """The wire of what speaks for the winner is a blue line, that of what speaks against it orange dashes."""
    layer = SparseLayer(
        (35, 2), np.array([16, 18], np.int32), np.zeros(2, np.int32), np.array([4, -4], f32), np.ones(2, f32)
    )
    network = SparseNetwork([layer], Meta(divisor=255.0, class_names=("a", "b"), input_shape=(7, 5)))
    x = np.full((3, 35), 255, np.uint8)
    browser.open(network, x, np.zeros(3, np.int64))
    drawn = browser.drawn("#wires")
    for wire in browser.run("return explorer.wires()"):
        x, y = along(wire["points"])
        seen = drawn[y, x].astype(float)
        colour, inked = np.median(seen[seen[:, 3] > 200], axis=0)[:3], (seen[:, 3] > 100).mean()
        assert np.allclose(colour, (0, 114, 178) if wire["weight"] > 0 else (213, 94, 0), atol=12)
        assert inked > 0.99 if wire["weight"] > 0 else 0.4 < inked < 0.9
    style = """const style = getComputedStyle(document.querySelector(arguments[0]));
        return [style.stroke, style.strokeDasharray]"""
    assert browser.run(style, ".key .for") == ["rgb(0, 114, 178)", "none"]
    assert browser.run(style, ".key .against") == ["rgb(213, 94, 0)", "5px, 3px"]


def test_units_are_ordered_to_avoid_crossings(browser):
    """Row r is read by unit order[r], and that by class r: side by side in this order, no two edges cross."""
    order, rows = np.array([4, 0, 6, 2, 5, 1, 3], np.int32), np.array([3, 1, 6, 0, 4, 2, 5], np.int32)
    layers = [
        SparseLayer((35, 7), rows * 5 + 2, order[rows], np.ones(7, f32), np.zeros(7, f32)),
        SparseLayer((7, 7), order[rows], rows, np.ones(7, f32), np.zeros(7, f32)),
    ]
    network = SparseNetwork(layers, Meta(input_shape=(7, 5), class_names=tuple("abcdefg")))
    browser.open(network, *noise(network, 5))
    height = "return document.querySelector(`[aria-label='Unit ${arguments[0]} of hidden layer 1']`).getAttribute('cy')"
    heights = [float(browser.run(height, int(unit))) for unit in order]
    assert np.all(np.diff(heights) > 10)


def test_a_tap_holds(browser):
    network = odd_network().trim()
    browser.open(network, *noise(network, 20), width=360, height=740)
    unit = int(network.layers[1].row[0])
    browser.click(f"[aria-label='Unit {unit} of hidden layer 1']", kind="touch")
    browser.see("#detail", f"Unit {unit} of hidden layer 1")
    browser.click("[aria-label='Class b']", kind="touch")
    browser.see("#view", "The score of b")


def test_motion_only_where_it_is_wanted(browser):
    script = "return getComputedStyle(document.querySelector('.bar')).transitionDuration"
    for value, duration in (("no-preference", "0.12s"), ("reduce", "0s")):
        media = {"prefers-reduced-motion": value}
        browser.open(odd_network(), *noise(odd_network(), 5), media=media)
        assert browser.run(script) == duration
