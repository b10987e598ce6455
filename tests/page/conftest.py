"""A browser for the page, and the digits of MNIST to show on it."""

import pytest
from helpers.browser import Browser
from helpers.chromium import axe, driver
from helpers.export_fixtures import trained

__all__ = ["axe", "driver", "trained"]  # fixtures


@pytest.fixture(scope="session")
def digits(mnist):
    """(images, labels) of the test set."""
    return mnist.test_x, mnist.test_y


@pytest.fixture
def browser(driver, tmp_path):
    """A browser; whatever a test does, nothing may be said on the console."""
    driver.get_log("browser")
    yield Browser(driver, tmp_path)
    assert driver.get_log("browser") == []
