"""The interactive pages of the lessons in a browser."""

import importlib.util
import json

import pytest
from helpers.browser import STILL, Browser
from helpers.chromium import axe, driver
from helpers.lessons import LESSONS, ROOT

__all__ = ["axe", "driver"]  # fixtures
SOURCES = ROOT / ".github" / "pages"


class PageBrowser(Browser):
    """One of the pages."""

    def open(self, name, link="", width=1400, height=900, media=STILL):
        """Open a page by a link that ends in `link`, in a window of this size."""
        self.resize(width, height, media)
        self.path = LESSONS / "pages" / f"{name}.html"
        return self.follow(link)

    def follow(self, link=""):
        self.driver.get("about:blank")
        self.driver.get(self.path.as_uri() + link)
        self.wait("return Boolean(window.page)")
        return self

    def set(self, **values):
        """Give sliders values, as the buttons of the page do."""
        self.run("setAll(arguments[0]); changed()", "&".join(f"{name}={value}" for name, value in values.items()))

    def values(self):
        """{name: value} of all sliders."""
        return self.run("return Object.fromEntries(Object.entries(sliders).map(([name, s]) => [name, s.value]))")

    def number(self, selector):
        """The first number in the text of an element."""
        return float(self.text(selector).replace("−", "-").replace(",", "").split()[0])


@pytest.fixture
def browser(driver, tmp_path):
    """A browser; whatever a test does, nothing may be said on the console."""
    driver.get_log("browser")
    yield PageBrowser(driver, tmp_path)
    assert driver.get_log("browser") == []


def load(name):
    """A script of the folder of the pages, as a module."""
    spec = importlib.util.spec_from_file_location(f"pages_{name}", SOURCES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def builder():
    """`.github/pages/build.py`."""
    return load("build")


@pytest.fixture(scope="session")
def recorder():
    """`.github/pages/record.py`."""
    return load("record")


@pytest.fixture(scope="session")
def recorded():
    """A function that reads what was recorded for a page."""
    return lambda name: json.loads((SOURCES / f"{name}.json").read_text(encoding="utf-8"))
