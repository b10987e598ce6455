"""The site, built once from the repository, with a page to draw on of a small network."""

import subprocess
import sys

import pytest
from helpers.browser import Browser
from helpers.chromium import axe, driver
from helpers.documents import ROOT
from helpers.page import noise, random_network

from tinygsp.page import Pruned, build

__all__ = ["axe", "driver"]  # fixtures


@pytest.fixture(scope="session")
def build_site():
    """A function that builds the site as the workflow does."""

    def build_site(*arguments):
        command = [sys.executable, str(ROOT / ".github" / "site" / "build.py"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300)

    return build_site


@pytest.fixture(scope="session")
def site(tmp_path_factory, build_site):
    """The folder of the finished site."""
    folder = tmp_path_factory.mktemp("site")
    run, out = folder / "run", folder / "out"
    run.mkdir()
    network = random_network()
    (run / "explorer.html").write_text(build([Pruned(network)], *noise(network, 50)), encoding="utf-8")
    done = build_site(out, run)
    assert done.returncode == 0 and done.stdout == done.stderr == "", done.stderr
    return out


@pytest.fixture
def browser(driver, tmp_path):
    """A browser; whatever a test does, nothing may be said on the console."""
    driver.get_log("browser")
    yield Browser(driver, tmp_path)
    assert driver.get_log("browser") == []
