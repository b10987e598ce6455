"""The page for a table: what is in it, what it computes, and how it is used."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from helpers.chromium import violations
from helpers.nets import layer

from tinygsp.data import from_arrays
from tinygsp.page import build_table
from tinygsp.sparse import Meta, SparseNetwork

NAMES = ("width", "noise", "colour = blue", "colour = red", "income", "</script><b>")


def table(task="classification"):
    """A table with the columns NAMES: two of a colour, one with a long tail, one with a name that is no name."""
    rng = np.random.default_rng(0)
    x = rng.normal(5, 2, (120, 6))
    kind = np.arange(120) % 3
    x[:, 2], x[:, 3], x[:, 4] = kind == 1, kind == 2, np.exp(3 * rng.normal(size=120))
    y = np.where(x[:, 0] > 5, "large", "small") if task == "classification" else x[:, 0] * 3
    return from_arrays(x, y, test=(x[:70], y[:70]), input_names=NAMES, name="my/table.csv")


def network_for(dataset):
    first = layer((6, 3), [(0, 0, 1.5), (2, 0, -2), (3, 1, 0.5), (4, 1, 1), (5, 2, 0.7)], [0.25, 0, -1])
    n_out = dataset.n_out
    second = layer((3, n_out), [(0, 0, 0.2), (1, 0, -0.1), (2, n_out - 1, 0.3)], [0.5] * n_out)
    d = dataset
    meta = Meta("silu", d.task, d.divisor, d.mean, d.std, d.class_names, d.input_shape, d.name, NAMES, d.bent)
    return SparseNetwork([first, second], meta)


def content(page):
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)[1])


def test_what_is_in_the_page():
    dataset = table()
    assert dataset.bent == (4,)
    page = build_table(network_for(dataset), dataset)
    found = content(page)
    assert found["title"] == "table.csv" and "my/" not in page
    assert [control["name"] for control in found["controls"]] == ["width", "colour", "income", "</script><b>"]
    colour = found["controls"][1]
    assert colour["options"] == [["another", [0, 0]], ["blue", [1, 0]], ["red", [0, 1]]] and colour["places"] == [1, 2]
    assert found["bent"] == [False, False, False, True, False] and len(found["rows"]) == 50
    assert found["targets"][0] in ("large", "small") and "noise" not in page.split("</head>")[1].split("<script>")[0]
    assert page == build_table(network_for(dataset), dataset)
    assert not re.search(r"""(src|href)\s*=\s*["']""", page) and "default-src 'none'" in page


def test_a_network_that_reads_too_much(monkeypatch):
    from tinygsp.page import table as module

    dataset = table()
    monkeypatch.setattr(module, "MAX_CONTROLS", 4)
    with pytest.raises(ValueError, match="5 inputs are read; a page has controls for at most 4"):
        build_table(network_for(dataset), dataset)
    monkeypatch.setattr(module, "MAX_CONTROLS", 5)
    monkeypatch.setattr(module, "MAX_PAGE_BYTES", 5000)
    with pytest.raises(ValueError, match="the page of .* parameters would have .* bytes: prune the network further"):
        build_table(network_for(dataset), dataset)


# --- in a browser -----------------------------------------------------------------------------------------------


def opened(driver, path, dataset, width=1100):
    path.write_text(build_table(network_for(dataset), dataset), encoding="utf-8")
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    driver.get(path.as_uri())
    return lambda script, *arguments: driver.execute_script(script, *arguments)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_page_computes_the_network(browser, tmp_path, task):
    dataset = table(task)
    run = opened(browser.driver, tmp_path / "table.html", dataset)
    network = network_for(dataset)
    used = network.used_inputs()[0]
    for row in dataset.test_x[:9]:
        found = run("return explorer.run(arguments[0])", [float(v) for v in row[used]])
        assert np.allclose(found, network.scores(row[None])[0], rtol=1e-4, atol=1e-4)


def test_the_controls(browser, tmp_path):
    dataset = replace(table(), class_names=("large", "small"))
    run = opened(browser.driver, tmp_path / "table.html", dataset)
    text = lambda name: run("return document.getElementById(arguments[0]).textContent", name)  # noqa: E731
    before = text("scores")
    run("""const s = document.getElementById("control-0"); s.value = s.max; s.dispatchEvent(new Event("input"))""")
    assert text("scores") != before
    after = text("scores")
    run("""const s = document.getElementById("control-1"); s.value = 2; s.dispatchEvent(new Event("input"))""")
    assert text("scores") != after
    browser.find("#next").click()
    assert text("verdict") == f"Row 1 of the test split; in truth {dataset.class_names[dataset.test_y[0]]}."
    browser.find("#previous").click()
    assert text("verdict").startswith("Row 70 of the test split")
    browser.find("#typical").click()
    assert text("scores") == before and text("winner") in ("large", "small")
    assert "income" in text("formulas") and "asinh" in text("formulas")


@pytest.mark.parametrize("width", [320, 1100])
def test_it_fits_and_every_control_has_a_name(browser, tmp_path, width):
    run = opened(browser.driver, tmp_path / "table.html", table(), width)
    assert run("return document.documentElement.scrollWidth") <= width
    unnamed = run(
        """return [...document.querySelectorAll("input, select, button")]
           .filter(e => !(e.labels && e.labels.length && e.labels[0].textContent) && !e.textContent).length"""
    )
    assert unnamed == 0
    ids = run("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_axe_finds_nothing(browser, axe, tmp_path, width, scheme, task):
    """At first, and after a slider was moved and a row of the test split chosen."""
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    run = opened(browser.driver, tmp_path / "table.html", table(task), width)
    assert violations(browser, axe) == []
    run("""const s = document.getElementById("control-0"); s.value = s.max; s.dispatchEvent(new Event("input"))""")
    browser.find("#next").click()
    assert violations(browser, axe) == []
