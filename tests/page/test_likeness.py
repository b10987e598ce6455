"""What is typical of the training images: measured on the digits of MNIST, and the same in the page as in Python."""

import numpy as np
import pytest
from helpers.page import noise, odd_network, random_network
from helpers.strokes import as_mnist
from helpers.strokes import digits as drawn_digits
from helpers.strokes import others as other_drawings

from tinygsp import page
from tinygsp.page import likeness


@pytest.fixture(scope="module")
def learnt(mnist):
    return page.learn(mnist.train_x, mnist.val_x, (28, 28))


def test_figures_that_are_published(mnist, learnt):
    """Of test images 1 in 20 is called unlike all that was learnt, of drawn digits hardly one, of letters most."""

    def share(images):
        images = np.array([image.round().astype(np.uint8).ravel() for image in images])
        return (likeness.unlikeness(learnt, images, (28, 28)) > 1).mean()

    assert 0.03 < share(mnist.test_x) < 0.06
    assert share(as_mnist(strokes) for _, strokes in drawn_digits()) <= 2 / 60
    assert share(as_mnist(strokes) for name, strokes in other_drawings() if len(name) == 1) >= 0.7
    assert share(as_mnist(strokes) for name, strokes in other_drawings() if len(name) > 1) >= 0.9


def test_limit_is_what_most_validation_images_keep(mnist, learnt):
    away = likeness.unlikeness(learnt, mnist.val_x, (28, 28))
    assert abs((away <= 1).mean() - likeness.SHARE) < 0.001
    again = page.learn(mnist.train_x.copy(), mnist.val_x.copy(), (28, 28))
    assert np.array_equal(again.typical, learnt.typical) and again[1:] == learnt[1:]


def test_the_page_computes_the_same(browser, digits, learnt):
    browser.open(random_network(), *digits, learnt=learnt)
    x = digits[0][:40]
    there = [browser.run("return explorer.unlikeness(arguments[0])", image.tolist()) for image in x]
    assert np.allclose(there, likeness.unlikeness(learnt, x, (28, 28)), rtol=1e-6)


@pytest.mark.parametrize("shape", [(7, 5), (1, 1), (1, 30), (40, 3), (30, 30)])
def test_images_of_any_shape(browser, shape):
    """Also fewer images than there are typical ones, and images without an edge."""
    network = odd_network() if shape == (7, 5) else None
    x = np.random.default_rng(1).integers(256, size=(30, shape[0] * shape[1])).astype(np.uint8)
    x[:3] = 0
    learnt = page.learn(x, x[:9], shape)
    away = likeness.unlikeness(learnt, x, shape)
    assert np.isfinite(away).all() and (away[:9] <= 1 + 1e-9).sum() >= 8
    if network:
        browser.open(network, *noise(network, 9), learnt=learnt)
        there = [browser.run("return explorer.unlikeness(arguments[0])", image.tolist()) for image in x]
        assert np.allclose(there, away, rtol=1e-6, atol=1e-7)


def test_description():
    """An upright edge: its strength is in the direction of its gradient, in its field and around it."""
    image = np.zeros((28, 28), np.uint8)
    image[12:16, 14:20] = 255  # dark to the left, bright to the right of column 14
    described = likeness.describe(image.reshape(1, -1), (28, 28)).reshape(4, 7, 7)
    assert described[0].argmax() == np.ravel_multi_index((3, 3), (7, 7)) and described[0, 0].max() == 0
    _, pixel, strength, turn = likeness.gradients(image[None])
    upright = np.isin(pixel, [13 * 28 + 13, 13 * 28 + 14])
    assert np.allclose(strength[upright], 1) and np.allclose(turn[upright] % 4, 0) and upright.sum() == 2
    assert np.isclose((described**2).sum(), strength.sum())  # of a field in the middle all is kept
