"""The file of the page is small and sound, needs nothing else, and holds the network."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from helpers.page import HOSTILE, bars_network, noise, odd_network, random_network, recording, unpack

from tinygsp.page import Pruned, builder
from tinygsp.page.builder import PARTS, SAMPLE, SCRIPTS, select
from tinygsp.page.film import LEVELS, film


class Page(HTMLParser):
    """The elements of a page, every one of them closed."""

    VOID = {"meta", "input"}

    def __init__(self, html):
        super().__init__()
        self.open, self.elements = [], []
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


def build(network, test_x, test_y, wiring=None):
    return builder.build([Pruned(network, wiring)], test_x, test_y)


def test_small_and_pure(digits):
    network = random_network()
    html = build(network, *digits)
    assert len(html.encode()) <= 250_000
    assert build(random_network(), digits[0].copy(), digits[1].copy()) == html


def test_nothing_comes_from_elsewhere():
    html = build(odd_network(), *noise(odd_network(), 20), recording(odd_network(), more=60))
    elements = Page(html).elements
    assert not [a for _, a in elements for name in a if name in ("src", "href", "action", "srcset")]
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|WebSocket|import\b|url\(|eval\(", html)
    assert any("default-src 'none'" in a.get("content", "") for _, a in elements)


def test_elements_are_sound():
    elements = Page(build(odd_network(), *noise(odd_network(), 20))).elements
    ids = [a["id"] for _, a in elements if "id" in a]
    assert len(set(ids)) == len(ids) and {"pad", "network", "scores", "verdict", "detail", "moment", "tour"} <= set(ids)
    assert all(a["aria-labelledby"] in ids for _, a in elements if "aria-labelledby" in a)
    assert dict(elements)["html"]["lang"] == "en"


def test_every_part_is_on_the_page():
    assert {path.name for path in PARTS.iterdir()} == {"page.html", "style.css", *(f"{name}.js" for name in SCRIPTS)}


@pytest.mark.parametrize("network", [random_network(), odd_network(activation="relu"), bars_network()])
def test_data_is_the_network(network):
    x, y = noise(network, 200)
    content, arrays = unpack(build(network, x, y))
    trimmed = network.trim()
    for k, layer in enumerate(trimmed.layers):
        assert tuple(content["runs"][0]["shapes"][k]) == layer.shape
        for name in ("row", "col", "weight", "bias"):
            assert np.array_equal(arrays[f"run0_{name}{k}"], getattr(layer, name))
    for name, value in content["meta"].items():
        assert value == (list(v) if isinstance(v := getattr(network.meta, name), tuple) else v)
    assert content["sizes"] == [trimmed.layers[0].n_in, *(layer.n_out for layer in trimmed.layers)]
    assert (content["total"], content["runs"][0]["kept"]) == (network.total, trimmed.count())

    test, predicted = content["test"], network.predict(x)
    assert (test["n"], content["runs"][0]["right"]) == (200, np.count_nonzero(predicted == y))
    assert test["label"] == y[test["index"]].tolist()
    assert np.array_equal(arrays["test"].reshape(-1, x.shape[1]), x[test["index"]])


def test_sample_has_the_pixels_that_are_read_in_16_shades():
    network = random_network()
    x, y = noise(network, 3000)
    content, arrays = unpack(build(network, x, y))
    chosen = np.arange(SAMPLE) * 3
    assert content["sample"]["labels"] == y[chosen].tolist()
    assert content["sample"]["pixels"] == network.trim().used_inputs()[0].tolist()
    shades = np.stack([arrays["sample"] >> 4, arrays["sample"] & 15], axis=1).reshape(SAMPLE, -1)
    assert np.array_equal(shades, np.rint(x[chosen][:, content["sample"]["pixels"]] / 17))


def test_film_has_the_frames_of_the_recording():
    network = random_network()
    wiring = recording(network)
    content, arrays = unpack(build(network, *noise(network, 50), wiring))
    shown = content["runs"][0]["film"]
    for name in ("epoch", "open", "stored", "phase"):
        assert shown[name] == getattr(wiring, name).astype(int).tolist()
    assert shown["phases"] == ["one", "two", "three"] and np.allclose(shown["accuracy"], wiring.accuracy, atol=1e-4)
    assert np.array_equal(np.cumsum(arrays["run0_cell_step"]), wiring.cell)
    level = np.cumsum(arrays["run0_level_step"].reshape(len(wiring.cell), -1), axis=1, dtype=np.int8)
    assert np.array_equal(level != 0, wiring.level != 0) and np.abs(level).max() <= LEVELS
    error = level * shown["scale"][0] - wiring.level * wiring.scale[0]
    assert np.abs(error).max() <= shown["scale"][0]


def test_film_is_thinned_where_room_is_short(monkeypatch):
    network = random_network()
    wiring, images = recording(network, frames=60, more=4000), noise(network, 50)
    about, _ = film(wiring, 4)
    assert about["epoch"] == wiring.epoch[3::4].tolist()  # the last one among them
    whole = build(network, *images, wiring)
    empty = len(build(network, *images).encode())
    monkeypatch.setattr(builder, "MAX_PAGE_BYTES", (len(whole.encode()) + empty) // 2 + 8_000)
    html = build(network, *images, wiring)
    frames = unpack(html)[0]["runs"][0]["film"]["epoch"]
    assert len(html.encode()) <= builder.MAX_PAGE_BYTES and 4 < len(frames) < 60 and frames[-1] == wiring.epoch[-1]
    monkeypatch.setattr(builder, "MAX_PAGE_BYTES", empty + 1_000)
    assert unpack(build(network, *images, wiring))[0]["runs"][0]["film"] is None


def test_several_networks_share_the_images():
    small, large = random_network(), random_network(kept=(600, 150, 90), seed=1)
    images = noise(small, 300)
    html = builder.build([Pruned(small, recording(small)), Pruned(large)], *images)
    content, _ = unpack(html)
    assert [run["kept"] for run in content["runs"]] == [small.trim().count(), large.trim().count()]
    assert [run["film"] is None for run in content["runs"]] == [False, True]
    both = np.union1d(small.trim().used_inputs()[0], large.trim().used_inputs()[0])
    assert content["sample"]["pixels"] == both.tolist()


def test_networks_that_do_not_fit_together():
    network, x, y = odd_network(), *noise(odd_network(), 9)
    for other, wiring, match in (
        (random_network((35, 9, 8, 3), (12, 5, 4, 3), (14, 9, 7)), None, r"levels have \(35, 9, 8, 3\) units"),
        (odd_network(activation="relu"), None, "its activation is 'relu', expected 'silu'"),
        (odd_network(mean=0.2), None, "its mean is 0.2, expected 0.1307"),
        (odd_network(class_names=("a", "b", "d")), None, "its class_names is"),
        (odd_network(), recording(bars_network(), more=9), r"wiring.npz is of levels of \(784, 2\) units"),
    ):
        with pytest.raises(ValueError, match=match):
            builder.build([Pruned(network), Pruned(other, wiring)], x, y)


def test_folder_of_the_data_set_is_left_out():
    network = odd_network(dataset="/home/somebody/secret/fashion/")
    html = build(network, *noise(network, 5))
    assert "somebody" not in html and unpack(html)[0]["meta"]["dataset"] == "fashion"


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
    content, _ = unpack(build(network, *noise(network, 50)))
    assert len(content["test"]["index"]) == 100_000 // 128**2


WRONG = {
    "regression": ({"task": "regression"}, {}, "task is 'regression', expected 'classification'"),
    "flat": ({"input_shape": (35,)}, {}, r"input_shape is \(35,\), expected \(rows, cols\)"),
    "other shape": ({"input_shape": (7, 6)}, {}, r"input_shape is \(7, 6\), .* rows \* cols = 35"),
    "names": ({"class_names": ("a", "b")}, {}, "class_names has 2 names, expected 3"),
    "scales": ({"mean": (0.1,) * 35}, {}, "each input has a scale of its own"),
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
    network = random_network((784, 100, 10), (784, 100, 10), (784 * 100, 1000))
    with pytest.raises(ValueError, match=r"page of 79,5\d\d parameters .* bytes, expected at most 400,000"):
        build(network, *noise(network, 5))


def test_names_cannot_end_the_script():
    network = odd_network(class_names=HOSTILE)
    html = build(network, *noise(network, 5))
    assert tuple(unpack(html)[0]["meta"]["class_names"]) == HOSTILE
    assert [tag for tag, _ in Page(html).elements].count("script") == 3
