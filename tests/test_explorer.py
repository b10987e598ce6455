"""The page computes what the network computes, draws as MNIST was made, and works by mouse, finger and keyboard."""

import base64
import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from selenium import webdriver
from selenium.common.exceptions import SessionNotCreatedException
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tinygsp import data, explorer
from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

f32 = np.float32
DIGITS = tuple("0123456789")


def random_network(sizes=(784, 300, 100, 10), used=(208, 36, 28, 10), kept=(271, 69, 58), seed=0, **meta):
    """Of each level of `sizes` only `used` units are connected, by `kept` weights a layer."""
    rng = np.random.default_rng(seed)
    levels = [np.sort(rng.choice(size, n, replace=False)) for size, n in zip(sizes, used)]
    layers = []
    for before, after, n_in, n_out, k in zip(levels, levels[1:], sizes, sizes[1:], kept):
        place = np.sort(rng.choice(before.size * after.size, k, replace=False))
        bias = np.zeros(n_out, f32)
        bias[after] = rng.normal(0, 1, after.size)
        layers.append(SparseLayer((n_in, n_out), before[place // after.size].astype(np.int32),
                                  after[place % after.size].astype(np.int32), rng.normal(0, 1, k).astype(f32), bias))
    options = {"divisor": 255.0, "mean": 0.1307, "std": 0.3081, "class_names": DIGITS, "input_shape": (28, 28)}
    return SparseNetwork(layers, Meta(**{**options, **meta}))


def odd_network(**meta):
    """7 x 5 pixels, three hidden layers, three classes."""
    return random_network((35, 9, 8, 7, 3), (12, 5, 4, 4, 3), (14, 9, 8, 7), seed=23,
                          **{"input_shape": (7, 5), "class_names": ("a", "b", "c"), "dataset": "odd", **meta})


def bars_network():
    """Reads four pixels, none hidden: "wide" those left and right of the middle, "tall" those above and below."""
    row = np.array([14 * 28 + 7, 14 * 28 + 21, 7 * 28 + 14, 21 * 28 + 14], np.int32)
    layer = SparseLayer((784, 2), row, np.array([0, 0, 1, 1], np.int32), np.ones(4, f32), np.zeros(2, f32))
    return SparseNetwork([layer], Meta(divisor=255.0, class_names=("wide", "tall"), input_shape=(28, 28)))


def noise(network, n, seed=0):
    """n images and labels for a network, about half of the labels right."""
    rng = np.random.default_rng(seed)
    x = rng.integers(256, size=(n, network.layers[0].n_in)).astype(np.uint8)
    guess = rng.integers(network.layers[-1].n_out, size=n)
    return x, np.where(rng.random(n) < 0.5, network.predict(x), guess)


@pytest.fixture(scope="module")
def mnist():
    images, labels = (data.read_idx(data.MNIST / f"{name}.gz", kind) for name, kind in zip(data.TEST, data.MAGIC))
    return images.reshape(len(images), -1), labels.astype(np.int64)


# --- the file -----------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """The elements of a page, every one of them closed, and its data."""

    VOID = {"meta", "input"}

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.content = [], [], None
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append((tag, dict(attributes).get("id")))

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, text):
        if self.open and self.open[-1] == ("script", "data"):
            assert self.content is None
            self.content = json.loads(text)


def numbers(text, dtype):
    return np.frombuffer(base64.b64decode(text), dtype)


def test_small_and_pure(mnist):
    network = random_network()
    html = explorer.page(network, *mnist)
    assert len(html.encode()) <= 300_000
    assert explorer.page(random_network(), mnist[0].copy(), mnist[1].copy()) == html


def test_nothing_comes_from_elsewhere():
    html = explorer.page(odd_network(), *noise(odd_network(), 20))
    page = Page(html)
    assert not [a for _, a in page.elements for name in a if name in ("src", "href", "action", "srcset")]
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|WebSocket|import\b|url\(|eval\(", html)
    assert any("default-src 'none'" in a.get("content", "") for _, a in page.elements)


def test_elements_are_sound():
    elements = Page(explorer.page(odd_network(), *noise(odd_network(), 20))).elements
    ids = [a["id"] for _, a in elements if "id" in a]
    assert len(set(ids)) == len(ids) and {"pad", "network", "scores", "verdict", "detail"} <= set(ids)
    assert all(a["aria-labelledby"] in ids for _, a in elements if "aria-labelledby" in a)
    assert dict(elements)["html"]["lang"] == "en"


@pytest.mark.parametrize("network", [random_network(), odd_network(activation="relu"), bars_network()])
def test_data_is_the_network(network):
    x, y = noise(network, 200)
    content = Page(explorer.page(network, x, y)).content
    trimmed = network.trim()
    for part, layer in zip(content["layers"], trimmed.layers, strict=True):
        assert tuple(part["shape"]) == layer.shape
        for name, dtype in (("row", "<i4"), ("col", "<i4"), ("weight", "<f4"), ("bias", "<f4")):
            assert np.array_equal(numbers(part[name], dtype), getattr(layer, name))
    assert {**content["meta"], "class_names": 0, "input_shape": 0} == {
        **vars(network.meta), "class_names": 0, "input_shape": 0}
    assert tuple(content["meta"]["class_names"]) == network.meta.class_names
    assert (content["total"], content["kept"]) == (network.total, trimmed.count())

    test, predicted = content["test"], network.predict(x)
    assert (test["n"], test["right"]) == (200, np.count_nonzero(predicted == y))
    assert test["label"] == y[test["index"]].tolist()
    assert np.array_equal(numbers(test["pixels"], "u1").reshape(-1, x.shape[1]), x[test["index"]])


def test_folder_of_the_data_set_is_left_out():
    network = odd_network(dataset="/home/somebody/secret/fashion/")
    html = explorer.page(network, *noise(network, 5))
    assert "somebody" not in html and Page(html).content["meta"]["dataset"] == "fashion"


def test_select_one_of_each_mistake_and_right_ones_in_turn():
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(4, size=(2, 500))
    chosen = explorer.select(labels, predicted, 40)
    pairs = list(zip(labels[chosen].tolist(), predicted[chosen].tolist()))
    wrong = [(a, b) for a, b in pairs if a != b]
    assert sorted(wrong) == [(a, b) for a in range(4) for b in range(4) if a != b]
    assert len(chosen) == 40 and np.all(np.diff(chosen) > 0)
    assert [pairs.count((c, c)) for c in range(4)] == [7] * 4
    for pair in pairs:  # the first of its kind
        assert np.flatnonzero((labels == pair[0]) & (predicted == pair[1]))[0] in chosen


@pytest.mark.parametrize("n, limit", [(1, 10), (5, 10), (500, 1), (500, 7)])
def test_select_within_the_limit(n, limit):
    labels, predicted = np.random.default_rng(n).integers(5, size=(2, n))
    chosen = explorer.select(labels, predicted, limit)
    assert 1 <= len(chosen) <= limit and len(set(chosen)) == len(chosen)
    right = np.zeros(n, np.int64)
    assert len(explorer.select(right, right, limit)) == min(n, limit)


def test_large_images_are_fewer():
    network = random_network((128 * 128, 3), (9, 3), (9,), input_shape=(128, 128), class_names=("a", "b", "c"))
    content = Page(explorer.page(network, *noise(network, 50))).content
    assert len(content["test"]["index"]) == 100_000 // 128**2


WRONG = {
    "regression": ({"task": "regression"}, {}, "task is 'regression', expected 'classification'"),
    "flat": ({"input_shape": (35,)}, {}, r"input_shape is \(35,\), expected \(rows, cols\)"),
    "other shape": ({"input_shape": (7, 6)}, {}, r"input_shape is \(7, 6\), .* rows \* cols = 35"),
    "names": ({"class_names": ("a", "b")}, {}, "class_names has 2 names, expected 3"),
    "float images": ({}, {"test_x": np.zeros((4, 35))}, r"test_x is float64 \(4, 35\), expected uint8 \(n, 35\)"),
    "image size": ({}, {"test_x": np.zeros((4, 36), np.uint8)}, r"test_x is uint8 \(4, 36\)"),
    "unflattened": ({}, {"test_x": np.zeros((4, 7, 5), np.uint8)}, r"test_x is uint8 \(4, 7, 5\)"),
    "no image": ({}, {"test_x": np.zeros((0, 35), np.uint8)}, r"test_x is uint8 \(0, 35\)"),
    "label number": ({}, {"test_y": np.zeros(5, int)}, r"test_y is int64 \(5,\), expected integers \(4,\)"),
    "float labels": ({}, {"test_y": np.zeros(4)}, "test_y is float64"),
    "large label": ({}, {"test_y": np.full(4, 3)}, "test_y is from 3 to 3, expected classes 0 to 2"),
    "small label": ({}, {"test_y": np.full(4, -1)}, "test_y is from -1"),
}


@pytest.mark.parametrize("meta, changes, match", WRONG.values(), ids=WRONG)
def test_what_the_page_is_not_for(meta, changes, match):
    arrays = {"test_x": np.zeros((4, 35), np.uint8), "test_y": np.zeros(4, np.int64), **changes}
    with pytest.raises(ValueError, match=match):
        explorer.page(odd_network(**meta), **arrays)


def test_a_network_that_was_hardly_pruned():
    network = random_network((784, 30, 10), (784, 30, 10), (784 * 30, 300))
    with pytest.raises(ValueError, match=r"page of 23,8\d\d parameters .* bytes, expected at most 300,000"):
        explorer.page(network, *noise(network, 5))


HOSTILE = ("</script><script>document.title = 'broken'</script>", "<!--<script>", "\u2028@DATA@ & \"b\" 'c'")


def test_names_cannot_end_the_script():
    network = odd_network(class_names=HOSTILE)
    page = Page(explorer.page(network, *noise(network, 5)))
    assert tuple(page.content["meta"]["class_names"]) == HOSTILE
    assert [tag for tag, _ in page.elements].count("script") == 2


# --- in a browser -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def driver():
    browsers = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    binary, service = next(filter(None, browsers), None), shutil.which("chromedriver")
    if not (binary and service):
        pytest.skip("no Chromium with chromedriver is installed (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    try:
        driver = webdriver.Chrome(options, webdriver.ChromeService(service))
    except SessionNotCreatedException as error:
        pytest.skip(f"Chromium does not start: {error.msg}")
    yield driver
    driver.quit()


class Browser:
    """One page in the browser."""

    def __init__(self, driver, folder):
        self.driver, self.path = driver, folder / "page.html"

    def open(self, network, x, y, width=1200, height=900, media=()):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": list(media)})
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
        self.path.write_text(explorer.page(network, x, y), encoding="utf-8")
        self.driver.get(self.path.as_uri())
        return self

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def answer(self):
        return self.run("return explorer.answer()")

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.find(selector).get_property("textContent")

    def see(self, selector, text):
        """Wait until an element shows this text."""
        WebDriverWait(self.driver, 5).until(lambda _: text in self.text(selector), f"no {text!r} in {selector}")

    def press(self, *keys):
        """Press keys, to whatever has the focus."""
        for key in keys:
            builder = ActionBuilder(self.driver)
            builder.key_action.send_keys(key)
            builder.perform()

    def box(self, selector):
        """Left, top, width and height in the window; the element is scrolled into view."""
        return self.run("""const element = document.querySelector(arguments[0]);
            element.scrollIntoView({block: "center"});
            const box = element.getBoundingClientRect(); return [box.left, box.top, box.width, box.height]""", selector)

    def point(self, *points, kind="mouse", press=True):
        """Lead a pointer over points (x, y) of the window, pressed from the first to the last."""
        builder = ActionBuilder(self.driver, mouse=PointerInput(kind, kind), duration=0)
        for i, (x, y) in enumerate(points):
            builder.pointer_action.move_to_location(int(x), int(y))
            if press and i == 0:
                builder.pointer_action.pointer_down()
        if press:
            builder.pointer_action.pointer_up()
        builder.perform()

    def stroke(self, *points, kind="mouse"):
        """Draw a stroke over points in units of the pad's width. Returns them as the page gets them."""
        left, top, width, _ = self.box("#pad")
        points = [(int(left + width * x), int(top + width * y)) for x, y in points]
        self.point(*points, kind=kind)
        return [((x - left) / width, (y - top) / width) for x, y in points]

    def hover(self, selector):
        left, top, width, height = self.box(selector)
        self.point((left + width / 2, top + height / 2), press=False)


@pytest.fixture
def browser(driver, tmp_path):
    """A browser; whatever a test does, nothing may be said on the console."""
    driver.get_log("browser")
    yield Browser(driver, tmp_path)
    assert driver.get_log("browser") == []


def page_scores(browser, x):
    """Scores (n, n_classes) that the page computes for images (n, n_in) uint8."""
    script = """const bytes = Uint8Array.from(atob(arguments[0]), c => c.charCodeAt(0)), size = arguments[1];
        return Array.from({length: bytes.length / size},
                          (_, i) => explorer.scores(Array.from(bytes.subarray(i * size, (i + 1) * size))))"""
    return np.array(browser.run(script, base64.b64encode(x.tobytes()).decode(), x.shape[1]))


@pytest.mark.parametrize("activation", ["silu", "relu"])
def test_arithmetic(browser, mnist, activation):
    network, x = random_network(activation=activation), mnist[0][:1000]
    scores = page_scores(browser.open(network, *mnist), x)
    assert np.abs(scores - network.scores(x)).max() <= 1e-4
    assert np.array_equal(scores.argmax(axis=1), network.predict(x)) and len(set(network.predict(x))) > 5


@pytest.mark.parametrize("network", [odd_network(), odd_network(activation="relu", divisor=1.0, std=90.0),
                                     bars_network()])
def test_arithmetic_of_other_networks(browser, network):
    x, y = noise(network, 100)
    assert np.abs(page_scores(browser.open(network, x, y), x) - network.scores(x)).max() <= 1e-4


def paths(network, pixels):
    """Every path of a network for one image: the list of its nodes (level, index) and what it brings.

    A path starts at a pixel with x, or at a unit with its bias; each unit on its way scales by act(z) / z.
    """
    slope = {"silu": lambda z: 1 / (1 + np.exp(-z)), "relu": lambda z: (z > 0) * 1.0}[network.meta.activation]
    x = (pixels.astype(np.float64) / network.meta.divisor - network.meta.mean) / network.meta.std
    found = [([(0, i)], value) for i, value in enumerate(x)]
    finished = []
    for k, layer in enumerate(network.layers):
        z = x @ layer.dense().astype(np.float64) + layer.bias
        s = slope(z) if k < len(network.layers) - 1 else np.ones(layer.n_out)
        x = z * s
        found = [(nodes + [(k + 1, col)], value * weight * s[col])
                 for nodes, value in found for row, col, weight in zip(layer.row, layer.col, layer.weight)
                 if nodes[-1] == (k, row)] + [([(k + 1, j)], b * s[j]) for j, b in enumerate(layer.bias)]
    finished = found
    return finished


@pytest.mark.parametrize("activation", ["silu", "relu"])
def test_contributions_are_sums_over_paths(browser, activation):
    network = odd_network(activation=activation).trim()
    x, y = noise(network, 3)
    browser.open(network, x, y)
    every = paths(network, x[0])
    for target in range(3):
        ending = [(nodes, value) for nodes, value in every if nodes[-1] == (4, target)]
        assert np.isclose(sum(value for _, value in ending), network.scores(x[:1])[0, target], atol=1e-4)
        middle = [None, *({"level": k, "index": int(layer.row[0])} for k, layer in enumerate(network.layers))]
        for node in middle:
            found = browser.run("return explorer.contributions(...arguments)", x[0].tolist(), target, node)
            through = [(nodes, value) for nodes, value in ending
                       if node is None or (node["level"], node["index"]) in nodes]
            for k, layer in enumerate(network.layers):
                for row, col, value in zip(layer.row, layer.col, found[k], strict=True):
                    expected = sum(v for nodes, v in through if (k, row) in nodes and (k + 1, col) in nodes)
                    assert np.isclose(value, expected, rtol=1e-9, atol=1e-12)


def ink(strokes, place, pen, rows=28, cols=28):
    """How much of each pixel (rows, cols) a round pen of this diameter covers, its edge one pixel wide."""
    y, x = np.mgrid[:rows, :cols] + 0.5
    distance = np.full((rows, cols), np.inf)
    for stroke in strokes:
        points = [place(np.array(point)) for point in stroke]
        for a, b in zip([points[0], *points], points):
            d = b - a
            t = np.clip(((x - a[0]) * d[0] + (y - a[1]) * d[1]) / max(d @ d, 1e-12), 0, 1)
            distance = np.minimum(distance, np.hypot(x - a[0] - t * d[0], y - a[1] - t * d[1]))
    return np.clip(pen / 2 + 0.5 - distance, 0, 1)


def centre_of_mass(image):
    y, x = np.mgrid[:image.shape[0], :image.shape[1]] + 0.5
    return np.array([(image * x).sum(), (image * y).sum()]) / image.sum()


def as_mnist(strokes):
    """A drawing (28, 28) as MNIST has it: 20 pixels long, centre of mass in the middle of pixel 14."""
    points, pen = np.array([point for stroke in strokes for point in stroke]), 2.4
    low, high = points.min(axis=0), points.max(axis=0)
    scale = (20 - pen - 1) / max((high - low).max(), 0.1)
    first = ink(strokes, lambda p: (p - (low + high) / 2) * scale + 14, pen)
    shift = 14.5 - centre_of_mass(first)
    return ink(strokes, lambda p: (p - (low + high) / 2) * scale + 14 + shift, pen) * 255


SEVEN = [[(0.2, 0.15), (0.7, 0.2), (0.4, 0.9)], [(0.35, 0.5), (0.65, 0.55)]]


def test_drawing_becomes_an_image_of_mnist(browser):
    browser.open(bars_network(), *noise(bars_network(), 5))
    drawn = [browser.stroke(*points) for points in SEVEN]
    pixels = np.array(browser.run("return explorer.pixels()")).reshape(28, 28)
    assert np.abs(pixels - as_mnist(drawn)).max() <= 1
    across, down = np.flatnonzero(pixels.any(axis=0)), np.flatnonzero(pixels.any(axis=1))
    assert down[-1] - down[0] + 1 in (20, 21) and across[-1] - across[0] < 16
    assert 0 < np.count_nonzero((pixels > 0) & (pixels < 255))  # antialiased


@pytest.mark.parametrize("strokes", [[[(0.1, 0.9)]], [[(0.8, 0.1), (0.9, 0.12)]], SEVEN,
                                     np.random.default_rng(0).random((4, 9, 2)).tolist()])
def test_rasterize(browser, mnist, strokes):
    browser.open(bars_network(), *noise(bars_network(), 5))
    image = np.array(list(browser.run("return Array.from(explorer.rasterize(arguments[0]))", strokes)))
    assert np.abs(image.reshape(28, 28) - as_mnist(strokes)).max() <= 1
    theirs = np.mean([centre_of_mass(image.reshape(28, 28)) for image in mnist[0][:1000]], axis=0)
    assert np.abs(centre_of_mass(image.reshape(28, 28)) - theirs).max() < 0.05


@pytest.mark.parametrize("kind", ["mouse", "touch"])
def test_draw_undo_clear(browser, kind):
    """Where and how large one draws does not matter."""
    width, height = (360, 740) if kind == "touch" else (1200, 900)
    browser.open(bars_network(), *noise(bars_network(), 5), width, height)
    browser.find("#clear").click()
    assert browser.answer() is None and browser.text("#verdict") == "Nothing is drawn yet."
    browser.stroke((0.05, 0.8), (0.3, 0.82), kind=kind)
    browser.see("#verdict", "Your drawing is read as wide.")
    assert browser.answer() == "wide" and browser.text("#winner") == "wide"
    assert browser.find("#pad").value_of_css_property("touch-action") == "none"  # a finger does not scroll
    browser.stroke((0.9, 0.1), (0.91, 0.9), kind=kind)
    assert browser.answer() is not None
    browser.find("#undo").click()
    assert browser.answer() == "wide"
    browser.find("#undo").click()
    assert browser.answer() is None and not browser.find("#undo").is_enabled()
    browser.stroke((0.9, 0.1), (0.91, 0.35), kind=kind)
    browser.see("#verdict", "Your drawing is read as tall.")
    browser.find("#clear").click()
    assert browser.answer() is None and browser.run("return explorer.pixels().every(value => value === 0)")


def test_images_of_another_shape(browser):
    network = odd_network(class_names=HOSTILE)
    browser.open(network, *noise(network, 20))
    browser.stroke((0.2, 0.2), (0.8, 1.2))
    pixels = np.array(browser.run("return explorer.pixels()"))
    assert pixels.shape == (35,) and pixels.any()
    assert browser.answer() == HOSTILE[network.predict(pixels.astype(np.uint8)[None])[0]]
    names = [element.text for element in browser.driver.find_elements(By.CSS_SELECTOR, "#scores .name")]
    assert len(names) == 3 and names[0].startswith(HOSTILE[0])
    assert browser.driver.title != "broken"


def test_scores_are_shown(browser, mnist):
    network = random_network()
    browser.open(network, *mnist)
    x = np.array(browser.run("return explorer.pixels()"), np.uint8)[None]
    scores, chances = network.scores(x)[0], network.predict_proba(x)[0]
    rows = [row.text.replace("−", "-").split() for row in browser.driver.find_elements(By.CSS_SELECTOR, "#scores li")]
    shown = np.array([[float(row[-1]), float(row[-3])] for row in rows])
    assert np.allclose(shown, np.column_stack([scores, 100 * chances]), rtol=0, atol=(0.006, 0.06))
    assert browser.text("#scores .winner .name") == browser.text("#winner") == DIGITS[scores.argmax()]


def test_stepping_through_test_images(browser):
    network = odd_network()
    x = noise(network, 40)[0]
    y = np.arange(40) % 3
    browser.open(network, x, y)
    chosen = explorer.select(y, network.predict(x), 120)
    wrong = [i for i in chosen if network.predict(x)[i] != y[i]]
    assert 2 < len(wrong) < len(chosen) - 2

    def verdict(i):
        predicted = network.predict(x)[i]
        return (f"Test image {i}, a {'abc'[y[i]]}, is read as {'abc'[predicted]}. "
                f"{'Right.' if predicted == y[i] else 'Wrong.'}")

    first = next(place for place, i in enumerate(chosen) if i not in wrong)
    assert browser.text("#verdict") == verdict(chosen[first])
    for i in [*chosen[first + 1:], *chosen[:first + 1]]:  # once around
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
    assert browser.text("#verdict") == seen[-2] and f"of {len(wrong)} wrong ones" in browser.text("#position")


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
    for name, key in (("clear", None), ("previous", Keys.ENTER), ("next", Keys.ENTER), ("wrong", Keys.SPACE)):
        browser.press(Keys.TAB)
        assert active(browser) == [name, True]
        if key:
            browser.press(key)
            verdicts.append(browser.text("#verdict"))
    assert verdicts[1] != verdicts[0] == verdicts[2]
    assert browser.find("#wrong").is_selected() and verdicts[3].endswith("Wrong.")

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
    assert abs(float(browser.text("#detail").split()[-3].replace("−", "-")) - brings) < 0.006
    bright = len(browser.driver.find_elements(By.CSS_SELECTOR, ".edge:not(.away)")) - 3  # without the key's
    assert bright == len({pair for nodes, _ in through for pair in zip(nodes, nodes[1:])})
    browser.hover("#title")
    browser.see("#detail", "Point at, tap or tab")
    assert not browser.driver.find_elements(By.CSS_SELECTOR, ".away")


def test_signs_differ_by_more_than_colour(browser, mnist):
    browser.open(random_network(), *mnist)
    style = """const style = getComputedStyle(document.querySelector(arguments[0]));
        return [style.stroke, style.strokeDasharray]"""
    assert browser.run(style, "#edges .for") == ["rgb(0, 114, 178)", "none"]
    assert browser.run(style, "#edges .against") == ["rgb(213, 94, 0)", "5px, 3px"]


def test_units_are_ordered_to_avoid_crossings(browser):
    """Row r is read by unit order[r], and that by class r: side by side in this order, no two edges cross."""
    order, rows = np.array([4, 0, 6, 2, 5, 1, 3], np.int32), np.array([3, 1, 6, 0, 4, 2, 5], np.int32)
    layers = [SparseLayer((35, 7), rows * 5 + 2, order[rows], np.ones(7, f32), np.zeros(7, f32)),
              SparseLayer((7, 7), order[rows], rows, np.ones(7, f32), np.zeros(7, f32))]
    network = SparseNetwork(layers, Meta(input_shape=(7, 5), class_names=tuple("abcdefg")))
    browser.open(network, *noise(network, 5))
    heights = [browser.box(f"[aria-label='Unit {unit} of hidden layer 1']")[1] for unit in order]
    assert np.all(np.diff(heights) > 10)


@pytest.mark.parametrize("width", [360, 800, 1200])
def test_nothing_is_wider_than_the_window(browser, mnist, width):
    names = ("a class with a long name", "T-shirt/top", "Donaudampfschifffahrtsgesellschaft", *DIGITS[3:])
    browser.open(random_network(class_names=names, dataset="mnist"), *mnist, width=width)
    browser.stroke((0.2, 0.2), (0.8, 0.7))
    scrolls, inner = browser.run("return [document.documentElement.scrollWidth, innerWidth]")
    assert inner == width and scrolls <= width
    boxes = browser.run("""return [...document.querySelectorAll("button, p, #pad, #network, .node")].map(element => {
        const box = element.getBoundingClientRect(); return [box.left, box.right]})""")
    assert min(left for left, _ in boxes) >= 0 and max(right for _, right in boxes) <= width


def test_a_tap_holds(browser):
    network = odd_network().trim()
    browser.open(network, *noise(network, 20), width=360, height=740)
    unit = int(network.layers[1].row[0])
    left, top, width, height = browser.box(f"[aria-label='Unit {unit} of hidden layer 1']")
    browser.point((left + width / 2, top + height / 2), kind="touch")
    browser.see("#detail", f"Unit {unit} of hidden layer 1")
    left, top, width, height = browser.box("[aria-label='Class b']")
    browser.point((left + width / 2, top + height / 2), kind="touch")
    browser.see("#view", "The score of b")


def test_motion_only_where_it_is_wanted(browser):
    script = "return getComputedStyle(document.querySelector('.bar')).transitionDuration"
    for value, duration in (("no-preference", "0.12s"), ("reduce", "0s")):
        media = [{"name": "prefers-reduced-motion", "value": value}]
        browser.open(odd_network(), *noise(odd_network(), 5), media=media)
        assert browser.run(script) == duration
