"""Chromium for tests, one for all tests of a process; axe-core, and what it finds."""

import shutil
from importlib import resources

import pytest
from selenium import webdriver
from selenium.common.exceptions import SessionNotCreatedException


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="module")
def axe():
    """The script of axe-core."""
    package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    return (resources.files(package) / "axe.min.js").read_text("utf-8")


def violations(browser, axe):
    """What axe finds: a list of (rule, elements). It fetches nothing: what a page may not load is not its matter."""
    browser.run(axe)
    return browser.driver.execute_async_script(
        """const done = arguments[0];
        axe.run(document, { preload: false }).then(({ violations }) =>
            done(violations.map(v => [v.id, v.nodes.map(node => node.html)])))"""
    )
