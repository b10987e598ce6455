"""The film of a run: every moment shows and answers what its frame holds, by slider, play button and link."""

import numpy as np
import pytest
from helpers.page import noise, odd_network, random_network, recording
from selenium.webdriver.common.keys import Keys

from tinygsp.page import Pruned
from tinygsp.page.film import LEVELS

BOX = """const { left, top, right, bottom } = document.querySelector(arguments[0]).getBoundingClientRect();
    return [left, top, right, bottom]"""
MOTION = {"prefers-reduced-motion": "no-preference"}


@pytest.fixture
def filmed(browser):
    """(browser, network, wiring, images) of a page with a film of 8 frames, the first two not stored."""
    network = random_network()
    wiring, images = recording(network), noise(network, 60)
    browser.open(network, *images, wiring=wiring)
    return browser, network, wiring, images[0]


def moment(browser):
    return browser.run("return explorer.moment()")


def go(browser, frame):
    """Drag the slider to a frame."""
    browser.run(
        """const slider = document.getElementById("moment"); slider.value = arguments[0];
        slider.dispatchEvent(new Event("input", {bubbles: true}))""",
        frame,
    )
    assert moment(browser)["moment"] == frame


def test_every_stored_moment_answers_as_its_network(filmed):
    browser, network, wiring, x = filmed
    for frame in range(2, 8):
        go(browser, frame)
        rough = np.rint(wiring.level * np.float32(LEVELS / 127))
        rough = np.where((rough == 0) & (wiring.level != 0), np.sign(wiring.level), rough)
        there = type(wiring)(**{**vars(wiring), "level": rough, "scale": wiring.scale * np.float32(127 / LEVELS)})
        expected = there.network(frame, network.meta)
        scores = [browser.run("return explorer.scores(arguments[0])", image.tolist()) for image in x[:5]]
        assert np.allclose(scores, expected.scores(x[:5]), atol=1e-4)
        wires = {(w["layer"], w["row"], w["col"]) for w in browser.run("return explorer.wires()")}
        assert wires == {(k, r, c) for k, la in enumerate(expected.layers) for r, c in zip(la.row, la.col)}
        shown = browser.run("return explorer.pixels()")
        answer = network.meta.class_names[int(expected.scores(np.array([shown], np.uint8))[0].argmax())]
        assert browser.answer() == browser.text("#winner") == answer
        browser.see("#now", f"After epoch {wiring.epoch[frame]} of 23 (")
        browser.see("#now", f"{wiring.open[frame]} connections · {100 * wiring.accuracy[frame]:.1f} % of validation")


def test_a_moment_that_is_not_stored_says_so(filmed):
    browser, *_ = filmed
    go(browser, 0)
    browser.see("#now", "266,610 connections · 80.0 % of validation images right · too many to keep, a sample")
    assert browser.answer() is None and "no answer here" in browser.text("#verdict")
    crowded = np.count_nonzero(browser.drawn("#wires")[..., 3] > 20)
    go(browser, 8)
    assert crowded > 1.5 * np.count_nonzero(browser.drawn("#wires")[..., 3] > 20)


def test_what_changed_places_is_marked(filmed):
    browser, network, wiring, _ = filmed
    go(browser, 6)
    browser.see("#now", " · 2 changed places, drawn dark")
    new = [wire for wire in browser.run("return explorer.wires()") if wire["isNew"]]
    came = wiring.cell[(wiring.level[:, 6] != 0) & (wiring.level[:, 5] == 0)]
    assert len(came) == 2 and 1 <= len(new) <= 2  # a bias has no wire
    for wire in new:
        n_out = network.layers[wire["layer"]].n_out
        first = sum((n + 1) * m for n, m in list(zip(wiring.sizes, wiring.sizes[1:]))[: wire["layer"]])
        assert wire["row"] * n_out + wire["col"] + first in came


def test_the_end_is_the_finished_network(filmed):
    browser, network, _, x = filmed
    assert moment(browser)["moment"] == 8
    scores = browser.run("return explorer.scores(arguments[0])", x[0].tolist())
    assert np.allclose(scores, network.scores(x[:1])[0], atol=1e-4)
    browser.see("#now", f"Finished: {network.trim().count()} of 266,610 numbers are left.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 390, 1024, 1400])
def test_captions_stand_clear_of_the_curves(browser, width, scheme):
    """Nothing is drawn where a caption stands but the bands behind both, wherever the line of the slider is."""
    network = random_network()
    media = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    browser.open(network, *noise(network, 20), width, 844, recording(network), media=media)
    assert browser.text("#accuracy-scale") == "accuracy, 80 to 100 %"
    assert browser.text("#count-scale") == f"connections, 266,610 to {network.trim().count()}, log scale"
    shade = browser.run("return getComputedStyle(document.querySelector('#detail')).backgroundColor")
    shade = [int(part) for part in shade[4:-1].split(",")]
    left, top, *_ = browser.box("#curves")
    boxes = [browser.run(BOX, name) for name in ("#accuracy-scale", "#count-scale")]
    for frame in range(9):
        go(browser, frame)
        drawn = browser.drawn("#curves").astype(int)
        for x, y, right, bottom in np.rint(np.array(boxes) - [left, top, left, top]).astype(int):
            assert 0 <= x < right <= drawn.shape[1] and 0 <= y < bottom and bottom - y >= 12
            behind = drawn[y:bottom, x:right]
            unlike = np.abs(behind[..., :3] - shade).max(axis=2) * behind[..., 3] / 255
            assert unlike.max() <= 3
            below = drawn[bottom : bottom + 30, x:right]
            assert (below != below[:1]).any()  # each above its curve
        assert (drawn[:14] != drawn[:1]).any()  # the names of the phases


def test_the_curves_show_accuracy_connections_and_phases(filmed):
    """A dot on the line of the slider stands at the height of what each curve says, a band where its phase is."""
    browser, network, wiring, _ = filmed
    low, high = np.log(network.trim().count()), np.log(network.total)
    for frame in range(8):
        go(browser, frame)
        drawn = browser.drawn("#curves").astype(int)
        at = 10 + (drawn.shape[1] - 20) * np.arange(9) / 8
        ink = (drawn[:, round(at[frame]) + 2, :3].max(axis=1) < 60) & (drawn[:, round(at[frame]) + 2, 3] > 200)
        for top, shares in ((34, (wiring.accuracy - 0.8) / 0.2), (80, (np.log(wiring.open) - low) / (high - low))):
            y = top + 24 * (1 - shares)
            dot = top - 5 + np.flatnonzero(ink[top - 5 : top + 30])
            assert 3 <= dot.size <= 7 and abs(dot.mean() + 0.5 - y[frame]) < 1
            for g in {*range(8)} - {frame}:  # the curve passes where the other dots would be
                here = drawn[int(y[g]) - 1 : int(y[g]) + 2, round(at[g]) - 1 : round(at[g]) + 1]
                assert ((here[..., :3].max(axis=2) < 120) & (here[..., 3] > 120)).any()
    step = at[1] - at[0]
    shaded = np.flatnonzero(np.diff(drawn[1, :, 3] > 128, prepend=False, append=False))
    assert np.allclose(shaded, [at[0], at[2] + step / 2, at[5] + step / 2, at[8]], atol=1.5)


def test_by_keyboard_and_screen_reader(filmed):
    browser, *_ = filmed
    browser.run("document.getElementById('moment').focus()")
    browser.press(Keys.ARROW_LEFT)
    assert moment(browser)["moment"] == 7
    assert browser.find("#moment").get_attribute("aria-valuetext").startswith("After epoch 23 of 23")
    browser.press(Keys.HOME)
    assert moment(browser)["moment"] == 0
    assert browser.find("#play").get_attribute("aria-label") == "Play how it was pruned"


def test_plays_once_by_itself_and_stops_when_one_draws(browser):
    network = random_network()
    browser.open(network, *noise(network, 20), wiring=recording(network), media=MOTION)
    assert moment(browser)["playing"] and browser.find("#play").get_attribute("aria-label") == "Pause"
    browser.wait("return explorer.moment().moment > 1 && explorer.moment().moment < 8")
    browser.stroke((0.2, 0.2), (0.8, 0.7))
    assert moment(browser) == {"run": 0, "moment": 8, "frames": 8, "playing": False}


def test_play_and_pause(filmed):
    """The button works where motion is not wanted, too; only nothing plays by itself."""
    browser, *_ = filmed
    assert not moment(browser)["playing"]
    browser.find("#play").click()
    browser.wait("return explorer.moment().moment === 3")
    browser.find("#play").click()
    paused = moment(browser)
    assert not paused["playing"] and 3 <= paused["moment"] < 8
    browser.find("#play").click()
    browser.wait("return !explorer.moment().playing")
    assert moment(browser)["moment"] == 8


def test_a_choice_of_budgets(browser):
    options = {"input_shape": (7, 5), "class_names": ("a", "b", "c"), "dataset": "odd"}
    small, large = odd_network(), random_network((35, 9, 8, 7, 3), (20, 6, 5, 5, 3), (20, 12, 9, 8), 5, **options)
    x, y = noise(small, 60)
    browser.open(small, x, y, wiring=recording(small, more=40), others=[Pruned(large)])
    buttons = browser.run("return [...document.querySelectorAll('#budgets button')].map(b => b.textContent)")
    assert buttons == [str(small.trim().count()), str(large.trim().count())]
    go(browser, 4)
    pressed = "return [...document.querySelectorAll('#budgets button')].map(b => b.getAttribute('aria-pressed'))"
    assert browser.run(pressed) == ["true", "false"]
    browser.find("#budgets button:last-child").click()
    assert browser.run(pressed) == ["false", "true"]
    assert moment(browser) == {"run": 1, "moment": 0, "frames": 0, "playing": False}
    scores = browser.run("return explorer.scores(arguments[0])", x[0].tolist())
    assert np.allclose(scores, large.scores(x[:1])[0], atol=1e-4)
    assert browser.text("#title") == f"What {large.trim().count()} numbers see"
    assert not browser.find("#film").is_displayed()
    right = np.count_nonzero(large.predict(np.rint(x / 17).astype(np.uint8) * 17) == y)
    assert browser.run("return explorer.rightNow()") == right
    browser.find("#budgets button:first-child").click()
    assert browser.find("#film").is_displayed()


def test_without_a_recording_there_is_no_film(browser):
    browser.open(odd_network(), *noise(odd_network(), 10), media=MOTION)
    assert not browser.find("#film").is_displayed() and not browser.find("#budgets").is_displayed()
    assert moment(browser) == {"run": 0, "moment": 0, "frames": 0, "playing": False}
