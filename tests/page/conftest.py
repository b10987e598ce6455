"""A browser for the page, and the digits of MNIST to show on it."""

import shutil

import pytest
from helpers.browser import Browser
from helpers.export_fixtures import trained
from selenium import webdriver
from selenium.common.exceptions import SessionNotCreatedException

__all__ = ["trained"]  # a fixture


@pytest.fixture(scope="session")
def digits(mnist):
    """(images, labels) of the test set."""
    return mnist.test_x, mnist.test_y


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


@pytest.fixture
def browser(driver, tmp_path):
    """A browser; whatever a test does, nothing may be said on the console."""
    driver.get_log("browser")
    yield Browser(driver, tmp_path)
    assert driver.get_log("browser") == []
