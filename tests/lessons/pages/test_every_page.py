"""What holds for every interactive page: one small file, built from its sources, that everybody can use."""

import json
import re

import pytest
from helpers.chromium import violations
from helpers.lessons import LESSONS, README, markdown_cells, read
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

NAMES = ["controller", "gate", "price", "rate", "shrink"]
ASKS = r"\b(?:src|href|srcset|action)=|@import|url\((?!#)|\bfetch\(|import\(|XMLHttp|WebSocket"
EVERY_PAGE = pytest.mark.parametrize("name", NAMES)


def text_of(name):
    return (LESSONS / "pages" / f"{name}.html").read_text(encoding="utf-8")


def test_the_pages_are_these(builder):
    assert builder.NAMES == NAMES
    assert sorted(path.name for path in (LESSONS / "pages").iterdir()) == [f"{name}.html" for name in NAMES]


@EVERY_PAGE
def test_a_page_is_what_its_sources_make(builder, name):
    assert text_of(name) == builder.build(name), "run python .github/pages/build.py"


@EVERY_PAGE
def test_a_page_is_one_small_file_that_asks_for_nothing(name):
    text = text_of(name)
    assert len(text.encode()) <= 60_000
    assert not re.findall(
        r"\b(?:src|href|srcset|action)=|@import|url\((?!#)|\bfetch\(|import\(|XMLHttp|WebSocket", text
    )
    assert set(re.findall(r"https?://[^\s\"'<)]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in text


@EVERY_PAGE
def test_a_lesson_and_the_page_of_the_course_link_it(name):
    cells = [cell for path in LESSONS.glob("*.ipynb") for cell in markdown_cells(read(path.stem))]
    assert any(f"(pages/{name}.html)" in cell.source for cell in cells)
    assert f"(pages/{name}.html)" in README.read_text(encoding="utf-8")


@EVERY_PAGE
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width, height", [(1400, 900), (390, 844)])
def test_axe_finds_nothing_and_nothing_is_too_wide(browser, axe, name, width, height, scheme):
    media = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    browser.open(name, width=width, height=height, media=media)
    browser.picture(f"{name}-{width}-{scheme}")
    browser.run("for (const details of document.querySelectorAll('details')) details.open = true")
    assert violations(browser, axe) == []
    assert browser.run("return document.documentElement.scrollWidth") <= width
    boxes = browser.run("""const found = document.querySelectorAll("svg text, p, figcaption, button, input, td");
        return [...found].map(e => {
        const box = e.getBoundingClientRect(); return [e.textContent, box.left, box.right]; })""")
    assert [box for box in boxes if box[1] < 0 or box[2] > width] == []


@EVERY_PAGE
def test_fingers_find_what_can_be_pressed(browser, name):
    browser.open(name, width=390, height=844)
    browser.run("for (const details of document.querySelectorAll('details')) details.open = true")
    low = browser.run("""return [...document.querySelectorAll("button, input, summary")].filter(element =>
        element.getBoundingClientRect().height < 44).map(element => element.outerHTML)""")
    assert low == []


@EVERY_PAGE
def test_every_slider_moves_by_keys_and_tells_its_value(browser, name):
    browser.open(name)
    for slider in browser.driver.find_elements(By.CSS_SELECTOR, "input[type=range]"):
        shown = f"#{slider.get_attribute('id')}-shown"
        before, drawing = browser.text(shown), browser.run("return document.getElementById('pictures').innerHTML")
        browser.run("arguments[0].focus()", slider)
        browser.press(Keys.ARROW_RIGHT)
        assert browser.text(shown) != before
        assert slider.get_attribute("aria-valuetext") == browser.text(shown)
        assert browser.run("return document.getElementById('pictures').innerHTML") != drawing
        assert browser.run("return document.activeElement === arguments[0]", slider)


@EVERY_PAGE
def test_everything_is_reached_by_the_tab_key_and_can_be_seen_there(browser, name):
    browser.open(name)
    expected = browser.run(
        "return [...document.querySelectorAll('input, button, summary')].filter(e => e.checkVisibility()).length"
    )
    reached = []
    for _ in range(expected):
        browser.press(Keys.TAB)
        reached.append(
            browser.run("""const e = document.activeElement;
            return [e.id || e.closest("li").textContent, getComputedStyle(e).outlineStyle !== "none"]""")
        )
    assert len({place for place, _ in reached}) == expected and all(is_seen for _, is_seen in reached)


@EVERY_PAGE
def test_questions_have_folded_answers_and_buttons_set_what_they_say(browser, name):
    browser.open(name)
    answers = browser.driver.find_elements(By.CSS_SELECTOR, "#tasks li details")
    assert 2 <= len(answers) == len(browser.driver.find_elements(By.CSS_SELECTOR, "#tasks li"))
    assert not any(answer.get_attribute("open") for answer in answers)
    for button in browser.driver.find_elements(By.CSS_SELECTOR, "button[data-set]"):
        wanted = dict(part.split("=") for part in button.get_attribute("data-set").split("&"))
        browser.run("arguments[0].click()", button)
        values = browser.values()
        for key, value in wanted.items():
            assert values[key] == pytest.approx(float(value), rel=0.02), (key, value)


@EVERY_PAGE
def test_a_link_restores_the_values(browser, name):
    browser.open(name)
    for slider in browser.driver.find_elements(By.CSS_SELECTOR, "input[type=range]"):
        browser.run("arguments[0].focus()", slider)
        browser.press(Keys.HOME, *[Keys.ARROW_RIGHT] * 3)
    values = browser.values()
    browser.wait("return location.hash.length > 1")
    link = browser.run("return location.hash")
    browser.follow(link)
    assert browser.values() == values
    browser.follow("#" + "&".join(f"{key}=x" for key in values) + "&unknown=3&__proto__=1")
    assert browser.values() == browser.open(name).values()


def test_play_moves_nothing_by_itself_where_less_motion_is_asked_for(browser, recorded):
    browser.open("rate", "#steps=7")
    browser.find("#play").click()
    assert browser.values()["steps"] == 8 and browser.text("#play") == "Play the steps"
    phases = recorded("shrink")["phase"]
    browser.open("shrink", "#epoch=1")
    browser.find("#play").click()
    assert browser.values()["epoch"] == phases.index("search") + 1


@pytest.mark.parametrize("name, slider, begin, goal", [("rate", "steps", 200, 4), ("shrink", "epoch", 5, 8)])
def test_play_plays_and_stops(browser, name, slider, begin, goal):
    browser.open(name, media={})
    browser.set(**{slider: begin})
    browser.find("#play").click()  # of the steps 200 from the first, of the epochs those after this one
    browser.wait("return sliders[arguments[0]].value >= arguments[1]", slider, goal)
    browser.find("#play").click()
    assert browser.run("return timer") == 0 and browser.text("#play").startswith("Play")
    assert goal <= browser.values()[slider]


def test_what_was_recorded_is_on_the_page(recorded):
    for name in ("rate", "price", "shrink"):
        (data,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', text_of(name), re.S)
        assert json.loads(data) == recorded(name)
