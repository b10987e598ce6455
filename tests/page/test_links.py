"""Links restore the view, and the tour leads through the page."""

import time

import numpy as np
import pytest
from helpers.page import noise, odd_network, random_network, recording
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tinygsp.page import Pruned


@pytest.fixture
def linked(browser):
    """(browser, network, images): two networks with a film each."""
    small, large = random_network(), random_network(kept=(400, 100, 70), seed=3)
    images = noise(small, 300)
    browser.open(small, *images, wiring=recording(small), others=[Pruned(large, recording(large))])
    return browser, small, large, images


def test_a_link_restores_the_view(linked):
    browser, _, large, (x, _) = linked
    browser.find("#budgets button:last-child").click()
    for _ in range(3):
        browser.find("#next").click()
    Select(browser.find("#held")).select_by_value("5")
    Select(browser.find("#rival")).select_by_value("second")
    browser.run("document.getElementById('moment').focus()")
    browser.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    image = int(browser.text("#verdict").split(",")[0].split()[-1])
    link = f"#image={image}&class=5&minus=second&epoch=20&kept={large.trim().count()}"
    browser.wait("return location.hash === arguments[0]", link)
    seen = [browser.text(name) for name in ("#verdict", "#view", "#now", "#title", "#winner", "#certainty")]
    browser.follow(link)
    assert seen == [browser.text(name) for name in ("#verdict", "#view", "#now", "#title", "#winner", "#certainty")]
    time.sleep(0.3)
    assert browser.run("return location.hash") == link
    assert np.array_equal(browser.run("return explorer.pixels()"), x[image])


def test_part_of_a_link_and_one_that_changes(linked):
    browser, *_ = linked
    browser.follow("#class=3")
    assert browser.text("#view").startswith("The score of 3") and "Finished" in browser.text("#now")
    browser.run("location.hash = '#epoch=9'")
    browser.see("#now", "After epoch 11 of 23")  # the first frame that is not earlier
    assert browser.find("#held").get_property("value") == ""


@pytest.mark.parametrize(
    "link", ["#image=99999&class=77&minus=-1&epoch=x&kept=1", "#%%%", "#class=<b>&image=1e3", "#="]
)
def test_a_link_that_makes_no_sense(linked, link):
    browser, *_ = linked
    browser.follow(link)
    assert browser.run("return explorer.moment()") == {"run": 0, "moment": 8, "frames": 8, "playing": False}
    assert browser.find("#held").get_property("value") == "" and browser.answer() is not None


def test_tour(linked):
    browser, *_ = linked
    browser.find("#tour-button").click()
    titles, shown = [], []
    for number in range(1, 6):
        assert browser.find("#tour").is_displayed()
        titles.append(browser.text("#tour-title"))
        assert titles[-1].startswith(f"{number} of 5: ") and len(browser.text("#tour-text")) > 40
        assert browser.run("return document.activeElement.id") == "tour-title"
        shown += browser.run("return [...document.querySelectorAll('.toured')].map(element => element.id)")
        assert browser.find("#tour-back").is_enabled() == (number > 1)
        browser.find("#tour-next").click()
    assert shown == ["network-box", "scores", "film", "pad", "tools"]
    assert len(set(titles)) == 5 and not browser.find("#tour").is_displayed()
    assert browser.run("return [document.activeElement.id, document.querySelectorAll('.toured').length]") == [
        "tour-button",
        0,
    ]
    browser.find("#tour-button").click()
    browser.find("#tour-next").click()
    browser.find("#tour-back").click()
    assert browser.text("#tour-title") == titles[0]
    browser.press(Keys.ESCAPE)
    assert not browser.find("#tour").is_displayed()


def test_tour_of_a_page_without_a_film(browser):
    browser.open(odd_network(), *noise(odd_network(), 10))
    browser.find("#tour-button").click()
    for _ in range(2):
        browser.find("#tour-next").click()
    assert browser.text("#tour-title").startswith("4 of 5: Now you")
    browser.find("#tour-back").click()
    assert browser.text("#tour-title").startswith("2 of 5")


def test_a_link_is_not_overruled_by_motion(linked):
    browser, *_ = linked
    browser.resize(1200, 900, {"prefers-reduced-motion": "no-preference"})
    browser.follow("#epoch=20")
    assert browser.run("return explorer.moment()")["playing"] is False
    browser.follow()
    assert browser.run("return explorer.moment()")["playing"] is True


def test_drawing_for_long_leaves_the_address_alone(browser):
    """Browsers warn of a page, and slow it down, that writes its address several times a second."""
    browser.open(odd_network(), *noise(odd_network(), 10), link="#image=0")
    browser.run("window.written = 0; const write = history.replaceState.bind(history);"
                "history.replaceState = (...all) => { window.written++; write(...all); }")  # fmt: skip
    for _ in range(5):
        browser.stroke(*((x / 60, 0.5) for x in range(10, 50)))
    browser.wait("return location.hash === ''")
    time.sleep(0.3)
    assert browser.run("return window.written") <= 6
