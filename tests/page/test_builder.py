"""The file of the page is small and sound, needs nothing else, and holds the network."""

import base64
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from helpers.page import HOSTILE, bars_network, noise, odd_network, random_network

from tinygsp.page import build
from tinygsp.page.builder import select


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


def test_small_and_pure(digits):
    network = random_network()
    html = build(network, *digits)
    assert len(html.encode()) <= 300_000
    assert build(random_network(), digits[0].copy(), digits[1].copy()) == html


def test_nothing_comes_from_elsewhere():
    html = build(odd_network(), *noise(odd_network(), 20))
    elements = Page(html).elements
    assert not [a for _, a in elements for name in a if name in ("src", "href", "action", "srcset")]
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|WebSocket|import\b|url\(|eval\(", html)
    assert any("default-src 'none'" in a.get("content", "") for _, a in elements)


def test_elements_are_sound():
    elements = Page(build(odd_network(), *noise(odd_network(), 20))).elements
    ids = [a["id"] for _, a in elements if "id" in a]
    assert len(set(ids)) == len(ids) and {"pad", "network", "scores", "verdict", "detail"} <= set(ids)
    assert all(a["aria-labelledby"] in ids for _, a in elements if "aria-labelledby" in a)
    assert dict(elements)["html"]["lang"] == "en"


@pytest.mark.parametrize("network", [random_network(), odd_network(activation="relu"), bars_network()])
def test_data_is_the_network(network):
    x, y = noise(network, 200)
    content = Page(build(network, x, y)).content
    trimmed = network.trim()
    for part, layer in zip(content["layers"], trimmed.layers, strict=True):
        assert tuple(part["shape"]) == layer.shape
        for name, dtype in (("row", "<i4"), ("col", "<i4"), ("weight", "<f4"), ("bias", "<f4")):
            assert np.array_equal(numbers(part[name], dtype), getattr(layer, name))
    assert {**content["meta"], "class_names": 0, "input_shape": 0} == {
        **vars(network.meta),
        "class_names": 0,
        "input_shape": 0,
    }
    assert tuple(content["meta"]["class_names"]) == network.meta.class_names
    assert (content["total"], content["kept"]) == (network.total, trimmed.count())

    test, predicted = content["test"], network.predict(x)
    assert (test["n"], test["right"]) == (200, np.count_nonzero(predicted == y))
    assert test["label"] == y[test["index"]].tolist()
    assert np.array_equal(numbers(test["pixels"], "u1").reshape(-1, x.shape[1]), x[test["index"]])


def test_folder_of_the_data_set_is_left_out():
    network = odd_network(dataset="/home/somebody/secret/fashion/")
    html = build(network, *noise(network, 5))
    assert "somebody" not in html and Page(html).content["meta"]["dataset"] == "fashion"


def test_select_one_of_each_mistake_and_right_ones_in_turn():
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(4, size=(2, 500))
    chosen = select(labels, predicted, 40)
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
    chosen = select(labels, predicted, limit)
    assert 1 <= len(chosen) <= limit and len(set(chosen)) == len(chosen)
    right = np.zeros(n, np.int64)
    assert len(select(right, right, limit)) == min(n, limit)


def test_large_images_are_fewer():
    network = random_network((128 * 128, 3), (9, 3), (9,), input_shape=(128, 128), class_names=("a", "b", "c"))
    content = Page(build(network, *noise(network, 50))).content
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
        build(odd_network(**meta), **arrays)


def test_a_network_that_was_hardly_pruned():
    network = random_network((784, 30, 10), (784, 30, 10), (784 * 30, 300))
    with pytest.raises(ValueError, match=r"page of 23,8\d\d parameters .* bytes, expected at most 300,000"):
        build(network, *noise(network, 5))


def test_names_cannot_end_the_script():
    network = odd_network(class_names=HOSTILE)
    page = Page(build(network, *noise(network, 5)))
    assert tuple(page.content["meta"]["class_names"]) == HOSTILE
    assert [tag for tag, _ in page.elements].count("script") == 2
