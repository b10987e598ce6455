"""A drawing becomes an image as MNIST was made, whatever its size and place."""

import numpy as np
import pytest
from helpers.page import HOSTILE, bars_network, noise, odd_network
from selenium.webdriver.common.by import By


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
    y, x = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
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


@pytest.mark.parametrize(
    "strokes", [[[(0.1, 0.9)]], [[(0.8, 0.1), (0.9, 0.12)]], SEVEN, np.random.default_rng(0).random((4, 9, 2)).tolist()]
)
def test_rasterize(browser, digits, strokes):
    browser.open(bars_network(), *noise(bars_network(), 5))
    image = np.array(list(browser.run("return Array.from(explorer.rasterize(arguments[0]))", strokes)))
    assert np.abs(image.reshape(28, 28) - as_mnist(strokes)).max() <= 1
    theirs = np.mean([centre_of_mass(image.reshape(28, 28)) for image in digits[0][:1000]], axis=0)
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
